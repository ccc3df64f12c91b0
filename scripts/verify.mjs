// Everything a change must pass, from a fresh checkout; the last line is `N passed, N failed`.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureChromium } from './setup/chromium.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { ensureHaproxy } from './setup/haproxy.mjs';
import { findProgram } from './setup/program.mjs';
import { ensureRedisServer } from './setup/redis-server.mjs';
import { root, run, SetupError } from './setup/run.mjs';
import { listenForStop } from './setup/stop-signal.mjs';

const signal = listenForStop();
const steps = [];
const total = { passed: 0, failed: 0 };

/** Runs one step and records its name, time and result. */
async function step(name, work) {
  console.log(`\n== ${name}`);
  const begun = performance.now();
  let note;
  let isGood = false;
  try {
    note = await work();
    isGood = true;
  } catch (error) {
    if (signal.aborted) throw error;
    note = error instanceof SetupError ? error.message : error.stack;
    console.error(note);
  }
  steps.push({ name, isGood, seconds: (performance.now() - begun) / 1000 });
  if (isGood && note) console.log(note);
  return isGood;
}

/** A step whose failure counts as one. */
async function countedStep(name, work) {
  const isGood = await step(name, work);
  if (!isGood) total.failed += 1;
  return isGood;
}

async function npmRun(script, ...args) {
  const { code } = await run('npm', ['run', script, ...(args.length > 0 ? ['--', ...args] : [])], { signal });
  if (code !== 0) throw new SetupError(`npm run ${script} failed.`);
}

/** Runs the tests and adds up what vitest counted. */
async function test() {
  const folder = mkdtempSync(path.join(tmpdir(), 'turnwise-verify-'));
  const file = path.join(folder, 'report.json');
  try {
    const { code } = await run(
      'npm',
      ['run', 'test:all', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
      { signal },
    );
    const counts = readCounts(file);
    total.passed += counts.passed;
    // An exit code without a failed test: an error outside any test, or no report.
    total.failed += Math.max(counts.failed, code === 0 ? 0 : 1);
    if (counts.skipped > 0) console.log(`${counts.skipped} tests were skipped.`);
    if (code !== 0 || counts.failed > 0) throw new SetupError('npm run test:all failed.');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readCounts(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0, skipped: 0 };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  // A file that does not load has no tests to count, but is a failure.
  const brokenFiles = report.testResults.filter(
    (result) =>
      result.status === 'failed' && !result.assertionResults.some(({ status }) => status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function describeDocker() {
  const docker = findProgram('docker');
  const answer = docker && (await run(docker, ['info'], { quiet: true, signal, timeoutMs: 10_000 }));
  // In some versions the client exits with 0 although no engine answered.
  const isThere = answer?.code === 0 && /^\s*Server Version:/m.test(answer.output);
  return isThere ? 'A Docker engine answers.' : 'No Docker engine answers. It is optional.';
}

async function verify() {
  if (!(await countedStep('dependencies', () => ensureDependencies({ signal })))) return;
  await countedStep('redis-server', () => ensureRedisServer({ signal }));
  await countedStep('haproxy', () => ensureHaproxy({ signal }));
  if (existsSync(path.join(root, 'test/browser'))) {
    await countedStep('chromium', async () => {
      // Tests use the browser that was found to start here.
      process.env.CHROMIUM_PATH = await ensureChromium({ signal });
      return process.env.CHROMIUM_PATH;
    });
  }
  await step('docker', describeDocker);
  await countedStep('lint', () => npmRun('lint'));
  await countedStep('typecheck', () => npmRun('typecheck'));
  await countedStep('build', () => npmRun('build'));
  await step('test', test);
  await countedStep('faults', () => npmRun('faults', '--quick'));
}

try {
  await verify();
} catch (error) {
  if (!signal.aborted) throw error;
  console.error('Stopped.');
  total.failed += 1;
}
console.log('\nSteps');
for (const { name, isGood, seconds } of steps) {
  console.log(`  ${name.padEnd(14)}${isGood ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(7)} s`);
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;
