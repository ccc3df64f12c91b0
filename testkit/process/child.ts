import { type ChildProcess, spawn } from 'node:child_process';
import { whenLeftOver } from './left-overs.ts';

const keptOutputCharacters = 200_000;

/** A child process that a test may stop, kill, freeze and wake. */
export interface Child {
  readonly pid: number;
  readonly isRunning: boolean;
  /** Exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** The last part of stdout and stderr. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM (after waking it, when frozen), SIGKILL after `graceMs`; waits until it is gone. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts a child that cannot outlive the test file. */
export function startChild(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Child {
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (text: string) => {
    output = (output + text).slice(-keptOutputCharacters);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const { promise: exited, resolve } = Promise.withResolvers<number | null>();
  const killed = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  const forget = whenLeftOver(
    killed,
    child.pid === undefined ? undefined : { kind: 'process', pid: child.pid },
  );
  const end = (code: number | null) => {
    forget();
    resolve(code);
  };
  child.once('error', (error) => {
    keep(`${error.message}\n`);
    end(null);
  });
  // 'close', not 'exit': only then the output is complete.
  child.once('close', end);

  const isRunning = () => isAlive(child);
  return {
    pid: child.pid ?? -1,
    get isRunning() {
      return isRunning();
    },
    exited,
    output: () => output,
    signal: (name) => void child.kill(name),
    kill: killed,
    async stop(graceMs = 3000) {
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
