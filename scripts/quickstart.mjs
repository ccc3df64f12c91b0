// One command from a fresh checkout to a running chat; quickstart/options.mjs has its help.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createChildren } from './quickstart/children.mjs';
import { HELP, readOptions, UsageError } from './quickstart/options.mjs';
import { isTaken } from './quickstart/ports.mjs';
import { provideModel, provideRedis, startApi, startWeb } from './quickstart/services.mjs';
import { isBuildNeeded } from './quickstart/sources.mjs';
import { ensureDependencies, NODE_MAJOR, projectNode } from './setup/dependencies.mjs';
import { root, run, SetupError } from './setup/run.mjs';
import { aborted, listenForStop } from './setup/stop-signal.mjs';

const dataFolder = path.join(root, '.data');
const logFolder = path.join(dataFolder, 'logs');

const say = (label, text) => console.log(`${label.padEnd(13)} ${text}`);

async function quickstart(options, signal) {
  await refuseTakenPorts(options);
  const dependencies = await ensureDependencies({ signal });
  if (!process.version.startsWith(`v${NODE_MAJOR}.`)) return runUnderProjectNode(signal);
  say('dependencies', dependencies);

  const children = createChildren(logFolder);
  try {
    await startAll(options, children, signal);
    await Promise.race([aborted(signal), children.failure]);
  } finally {
    if (signal.aborted) console.log('\nStopping: chat page, API, model, Redis.');
    await children.stop();
  }
  return 0;
}

async function startAll({ port, webPort, yes }, children, signal) {
  const within = waitUnless(children.failure, signal);
  const pauseMs = process.stdin.isTTY && !yes ? 5_000 : 0;
  const tools = { children, within, install: { signal, pauseMs } };
  const redis = await provideRedis({ ...tools, env: process.env, dataFolder });
  say('redis', redis.folder ? `started: ${redis.line}` : redis.line);

  say('build', isBuildNeeded() ? await build(signal) : 'up to date');

  const model = await provideModel({ ...tools, env: process.env });
  say('model', model.line);

  const pages = [`http://localhost:${webPort}`, `http://127.0.0.1:${webPort}`];
  const env = {
    ...process.env,
    ...redis.env,
    ...model.env,
    CORS_ORIGINS: [process.env.CORS_ORIGINS, ...pages].filter(Boolean).join(','),
    WEB_API_URL: `http://localhost:${port}`,
  };
  await startApi({ ...tools, env, port });
  say('api', `ready on port ${port}`);
  await startWeb({ ...tools, env, port: webPort });
  say('chat page', `ready on port ${webPort}`);

  const redisData = redis.folder ? `   (data in ${path.relative(root, redis.folder)}/)` : '';
  console.log(`
Turnwise is running.

  Chat page  http://localhost:${webPort}
  API        http://localhost:${port}
  API docs   http://localhost:${port}/docs
  Redis      ${redis.line}${redisData}
  Logs       ${path.relative(root, logFolder)}/
  Model      ${model.line}

For the commands of the program, in another terminal:

  export ${
    Object.entries(redis.env)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ') || 'REDIS_URL=…'
  }

Ctrl-C stops everything.`);
}

async function refuseTakenPorts({ port, webPort }) {
  const wanted = [
    { number: port, option: '--port' },
    { number: webPort, option: '--web-port' },
  ];
  const taken = [];
  for (const one of wanted) if (await isTaken(one.number)) taken.push(one);
  if (taken.length === 0) return;
  const numbers = taken.map(({ number }) => number).join(' and ');
  const free = await Promise.all(
    wanted.map(
      async (one) => `${one.option} ${taken.includes(one) ? await nextFree(one.number) : one.number}`,
    ),
  );
  const others = free.join(' ');
  const subject = taken.length === 1 ? `port ${numbers} is` : `ports ${numbers} are`;
  const what = taken.length === 1 ? 'what uses it' : 'what uses them';
  throw new SetupError(`${subject} taken; stop ${what} or: npm run quickstart -- ${others}`);
}

async function nextFree(port) {
  for (let next = port + 1; next < 65_536; next += 1) if (!(await isTaken(next))) return next;
  return port;
}

async function build(signal) {
  const { code, output } = await run('npm', ['run', 'build'], { quiet: true, signal });
  if (code !== 0) throw new SetupError(`${output.trim()}\nThe build failed; its output is above.`);
  return 'built';
}

/** Returns a function that waits until something holds, but no longer than a failure, a stop or its timeout. */
function waitUnless(failure, signal) {
  return async (timeoutMs, what, holds) => {
    const end = Date.now() + timeoutMs;
    while (!(await Promise.race([holds(), failure]))) {
      signal.throwIfAborted();
      if (Date.now() > end) {
        throw new SetupError(
          `${what} was not ready within ${timeoutMs / 1000} s. Its log is in ${logFolder}.`,
        );
      }
      await delay(50);
    }
    signal.throwIfAborted();
  };
}

/** Runs this same command under Node 24 and returns its exit code. */
async function runUnderProjectNode(signal) {
  // The ipc channel carries no messages: when it closes, the child knows that this process is gone.
  const child = spawn(projectNode, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  return new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`${projectNode} cannot be started: ${error.message}`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

const environmentFile = path.join(root, '.env');
if (existsSync(environmentFile)) process.loadEnvFile?.(environmentFile);

const signal = listenForStop();
try {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.help) console.log(HELP);
  else process.exitCode = await quickstart(options, signal);
} catch (error) {
  if (error instanceof SetupError) console.error(error.message);
  else if (!signal.aborted) throw error;
  process.exitCode = signal.aborted ? 0 : error instanceof UsageError ? 2 : 1;
}
