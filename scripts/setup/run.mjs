import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Folder of the checkout, without a slash at the end. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** A failure whose message says what to do; printed without a stack. */
export class SetupError extends Error {}

/**
 * Runs a program in the checkout to its end, without stdin.
 *
 * @param options.quiet   return the output instead of showing it
 * @param options.signal  ends the program with SIGTERM; the promise rejects with AbortError
 * @returns               exit code (null when a signal ended it) and the kept output
 * @throws                SetupError when the program cannot be started
 */
export function run(command, args, { quiet = false, env = process.env, signal, timeoutMs } = {}) {
  return new Promise((resolve, reject) => {
    const output = quiet ? 'pipe' : 'inherit';
    const child = spawn(command, args, {
      cwd: root,
      env,
      stdio: ['ignore', output, output],
      ...(signal && { signal }),
      ...(timeoutMs && { timeout: timeoutMs }),
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
    }
    child.once('error', (error) => {
      const aborted = error.name === 'AbortError';
      reject(aborted ? error : new SetupError(`${command} cannot be started: ${error.message}`));
    });
    child.once('close', (code) => resolve({ code, output: text }));
  });
}

/** Runs a set-up step when its file is the program itself; a SetupError becomes one message and exit code 1. */
export async function runAsProgram(moduleUrl, step) {
  if (realpathSync(process.argv[1]) !== fileURLToPath(moduleUrl)) return;
  try {
    console.log(await step());
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
