import { type Child, startChild } from '../../testkit/process/child.ts';
import { waitFor } from '../../testkit/wait-for.ts';

/** A program of a peer, and when it counts as ready. */
export interface PeerProgram {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Answers without an error as soon as it is ready. */
  ready(): Promise<unknown>;
}

/** @throws with its output when it exits, or is not ready in a minute */
export async function startPeerProgram(
  program: PeerProgram,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<Child> {
  const { file, args, cwd, env } = program;
  const child = startChild(file, args, {
    ...(cwd === undefined ? {} : { cwd }),
    // Nothing of this host: a key or a proxy of its owner has no place here.
    env: { PATH: process.env.PATH, HOME: cwd ?? '/nonexistent', ...env },
  });
  atEnd(() => child.stop());
  const isReady = () =>
    program.ready().then(
      () => true,
      () => false,
    );
  try {
    await waitFor(async () => !child.isRunning || (await isReady()), { timeoutMs: 60_000, what: file });
  } catch (error) {
    throw new Error(`${file} is not ready:\n${child.output().slice(-2000)}`, { cause: error });
  }
  if (!child.isRunning) throw new Error(`${file} exited:\n${child.output().slice(-2000)}`);
  return child;
}
