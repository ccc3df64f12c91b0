import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { whenLeftOver } from '../process/left-overs.ts';

/** As with replicas: the built program, or the one that TURNWISE_ENTRY names. The fast loop has no build and runs the sources. */
export const commandEntry =
  process.env.TURNWISE_ENTRY ??
  fileURLToPath(
    new URL(
      process.env.TEST_REPLICAS === 'in-process' ? '../../src/main.ts' : '../../dist/main.js',
      import.meta.url,
    ),
  );

export interface Ran {
  /** Exit code, or null when it had to be killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const TIMEOUT_MS = 20_000;

/** Runs a command of the program to its end, with only the given environment. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [commandEntry, ...args], {
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

/** Runs a command that prints JSON. @throws when it fails or prints something else */
export async function runJson<T>(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const { code, out, err } = await runCommand([...args, '--json'], env);
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}:\n${err}${out}`);
  return JSON.parse(out) as T;
}
