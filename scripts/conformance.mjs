// Runs test suites that others wrote for the protocols of the doors, against real replicas. Needs a build, and Python for the suites.
// OPEN_RESPONSES names another place to clone the suite of that specification from.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { startHaproxy } from '../testkit/http/haproxy.ts';
import { obliging } from '../testkit/model/obliging-model.ts';
import { startScriptedModel } from '../testkit/model/scripted-model.ts';
import { endLeftOvers } from '../testkit/process/left-overs.ts';
import { startRedis } from '../testkit/redis/redis.ts';
import { startReplica } from '../testkit/server/replica.ts';
import { findProgram } from './setup/program.mjs';
import { root, run } from './setup/run.mjs';

const INSTALL_TIMEOUT_MS = 300_000;
const SUITE_TIMEOUT_MS = 900_000;

const OPEN_RESPONSES_FOLDER = path.join(root, '.data/conformance/open-responses');

/** The name makes suites try what they only ask of models that think. */
const MODELS = ['gpt-5-obliging', 'other'];

const llmComply = (format) => ({
  name: `llm-comply ${format}`,
  packages: ['llm-comply==0.5.0'],
  install: installFromPypi,
  command: ({ bin, url }) => [
    bin('llm-comply'),
    ['--format', format, '-u', url, '-k', 'none', '-m', MODELS[0], '-v'],
  ],
});

const SUITES = [
  {
    name: 'open-responses',
    packages: ['bun@1.4.5', 'zod@3.25.76'],
    install: installOpenResponses,
    command: ({ bin, url }) => [
      bin('bun'),
      [
        path.join(OPEN_RESPONSES_FOLDER, 'suite/bin/compliance-test.ts'),
        '--base-url',
        url,
        '--api-key',
        'none',
        '--model',
        MODELS[0],
      ],
    ],
  },
  llmComply('open-responses'),
  llmComply('openai-chat'),
  {
    name: 'langchain-tests',
    packages: ['langchain-tests==1.1.9', 'langchain-openai==1.7.4'],
    install: installFromPypi,
    command: ({ bin }) => [
      bin('pytest'),
      ['-c', 'scripts/conformance/pytest.ini', 'scripts/conformance/langchain_suite.py'],
    ],
  },
];

/** @throws with the last line of what it said */
async function must(command, args) {
  const { code, output } = await run(command, args, { quiet: true, timeoutMs: INSTALL_TIMEOUT_MS });
  if (code !== 0) throw new Error(output.trim().split('\n').at(-1) ?? `${command} failed`);
}

/** The suite of the Open Responses specification has no package: a checkout, with the tools that it needs above it. */
async function installOpenResponses({ packages }) {
  const folder = OPEN_RESPONSES_FOLDER;
  const bin = (name) => path.join(folder, 'node_modules/.bin', name);
  await must('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, ...packages]);
  if (!existsSync(path.join(folder, 'suite'))) {
    const from = process.env.OPEN_RESPONSES ?? 'https://github.com/openresponses/openresponses.git';
    await must('git', ['clone', '--quiet', '--depth', '1', from, path.join(folder, 'suite')]);
  }
  return bin;
}

/** A folder of Python packages for one suite. @throws when they cannot be had here */
async function installFromPypi({ packages }) {
  const python = findProgram('python3');
  if (!python) throw new Error('python3 was not found');
  const folder = path.join(root, '.data/conformance', packages[0]);
  const bin = (name) => path.join(folder, 'bin', name);
  if (!existsSync(bin('pip'))) await must(python, ['-m', 'venv', folder]);
  await must(bin('pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages]);
  return bin;
}

/** Two replicas behind HAProxy; `endLeftOvers` ends all of it. */
async function startServer() {
  const [redis, model] = await Promise.all([startRedis(), startScriptedModel()]);
  model.reply(obliging);
  const env = { OPENAI_MODEL: MODELS.join(), LOG_LEVEL: 'warn' };
  const options = { redisUrl: redis.url, modelUrl: model.url, env };
  const replicas = await Promise.all([startReplica(options), startReplica(options)]);
  const { url } = await startHaproxy(replicas.map(({ port }) => port));
  return `${url}/v1`;
}

const asked = process.argv.slice(2);
const counts = { passed: 0, failed: 0, absent: 0 };
try {
  const url = await startServer();
  for (const suite of SUITES.filter(({ name }) => asked.length === 0 || asked.includes(name.split(' ')[0]))) {
    console.log(`\n== ${suite.name} (${suite.packages.join(', ')}) at ${url}`);
    let bin;
    try {
      bin = await suite.install(suite);
    } catch (error) {
      console.log(`not run: ${error.message}`);
      counts.absent += 1;
      continue;
    }
    const [command, args] = suite.command({ bin, url });
    const env = {
      PATH: process.env.PATH,
      PYTHONDONTWRITEBYTECODE: '1',
      ...{ TURNWISE_URL: url, TURNWISE_MODEL: MODELS[0], TURNWISE_OTHER_MODEL: MODELS[1] },
    };
    const { code } = await run(command, args, { env, timeoutMs: SUITE_TIMEOUT_MS });
    counts[code === 0 ? 'passed' : 'failed'] += 1;
  }
} finally {
  await endLeftOvers();
}
console.log(
  `\n${counts.passed} suites passed, ${counts.failed} failed, ${counts.absent} could not be had here`,
);
process.exit(counts.failed > 0 ? 1 : counts.passed === 0 ? 3 : 0);
