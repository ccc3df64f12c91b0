import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import path from 'node:path';
import { root, SetupError } from '../setup/run.mjs';

const LAST_LINES = 25;

/**
 * The programs of one quickstart. Each has its own process group, so that Ctrl-C in the terminal
 * reaches only quickstart, which then stops them in the right order.
 *
 * @param logFolder  each program's output goes to NAME.log there
 */
export function createChildren(logFolder) {
  mkdirSync(logFolder, { recursive: true });
  const children = [];
  let isStopping = false;
  let reportFailure;
  const failure = new Promise((_, reject) => {
    reportFailure = reject;
  });
  failure.catch(() => {});

  /** Starts a program; `onLine` is called with each line of its output. */
  function start({ name, command, args, env = process.env, stopTimeoutMs = 5_000, onLine = () => {} }) {
    const process_ = spawn(command, args, {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const log = createWriteStream(path.join(logFolder, `${name}.log`), { flags: 'a' });
    log.once('error', (error) =>
      reportFailure(new SetupError(`The log of ${name} failed: ${error.message}`)),
    );
    const lines = [];
    for (const stream of [process_.stdout, process_.stderr]) {
      stream.pipe(log, { end: false });
      eachLine(stream, (line) => {
        lines.push(line);
        if (lines.length > LAST_LINES) lines.shift();
        onLine(line);
      });
    }
    const ended = new Promise((resolve) => {
      process_.once('error', (error) => resolve(`cannot be started: ${error.message}`));
      // `close`, not `exit`: the last lines may arrive after the exit.
      process_.once('close', (code, killer) => resolve(`ended with ${killer ?? `exit code ${code}`}`));
    });
    children.push({ name, process: process_, ended, stopTimeoutMs });
    ended.then((how) => {
      log.end();
      if (isStopping) return;
      const text = lines.map((line) => `  ${line}`).join('\n');
      reportFailure(new SetupError(`${name} ${how}. Its last output:\n${text}`));
    });
    return process_;
  }

  /** Stops all programs, the last started first, each by its own handle. Never rejects. */
  async function stop() {
    isStopping = true;
    for (const child of children.splice(0).reverse()) {
      child.process.kill('SIGTERM');
      const hardStop = setTimeout(() => child.process.kill('SIGKILL'), child.stopTimeoutMs);
      await child.ended;
      clearTimeout(hardStop);
    }
  }

  return { start, stop, failure };
}

function eachLine(stream, use) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) use(line);
  });
  stream.once('end', () => {
    if (rest) use(rest);
  });
}
