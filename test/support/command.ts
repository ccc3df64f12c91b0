import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { whenLeftOver } from './left-overs.ts';

/** As with replicas: the built program, or the one that TURNWISE_ENTRY names. */
export const builtEntry =
  process.env.TURNWISE_ENTRY ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** How a command of the built program ended. */
export interface Ran {
  /** Exit code, or null when it had to be killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const TIMEOUT_MS = 20_000;

/** Runs a command of the built program to its end; its environment is only what is given. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [builtEntry, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.withResolvers<number | null>();
  const kill = async () => {
    child.kill('SIGKILL');
    await ended.promise;
  };
  const forget = whenLeftOver(
    kill,
    child.pid === undefined ? undefined : { kind: 'process', pid: child.pid },
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text;
  });
  child.once('close', (code) => ended.resolve(code));
  const code = await ended.promise;
  clearTimeout(timer);
  forget();
  return { code, out, err };
}

/** Runs a command that answers in JSON. @throws when it fails or answers something else */
export async function runJson<T>(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const { code, out, err } = await runCommand([...args, '--json'], env);
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}:\n${err}${out}`);
  return JSON.parse(out) as T;
}
