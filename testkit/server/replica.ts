import { fileURLToPath } from 'node:url';
import { call } from '../http/http.ts';
import { type Child, startChild } from '../process/child.ts';
import { freePort, isFree } from '../process/free-port.ts';
import { waitFor } from '../wait-for.ts';

/** The program under test: the built server, or TURNWISE_ENTRY, for example a build broken on purpose. */
export const serverEntry =
  process.env.TURNWISE_ENTRY ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** A server process. */
export interface Replica {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Its stdout and stderr. */
  output(): string;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, without waiting: see `exited`. */
  term(): void;
  /** SIGSTOP: it is frozen, with its connections open. */
  pause(): void;
  resume(): void;
}

export interface ReplicaOptions {
  /** Left out when `env` names a Cluster or sentinels. */
  readonly redisUrl?: string;
  readonly modelUrl: string;
  /** Settings that override the usual ones of a test. */
  readonly env?: Readonly<Record<string, string>>;
  /** Another program instead of the built server. */
  readonly entry?: string;
  /** For example the same port again after a kill. */
  readonly port?: number;
  /** `live` does not wait for Redis; default `ready`. */
  readonly until?: 'ready' | 'live';
}

/**
 * Starts a replica of the built server; ready to serve when it returns.
 *
 * @throws   when it exits first or is not ready in 40 s, with its output
 */
export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const port = options.port ?? (await freePort());
  // Otherwise another process that listens there would answer for the replica.
  await waitFor(() => isFree(port), { timeoutMs: 2000, what: `port ${port} to be free` });
  const url = `http://127.0.0.1:${port}`;
  const child = startChild(process.execPath, [options.entry ?? serverEntry, 'serve'], {
    env: settingsOf(options, port),
  });
  try {
    await waitUntilServing(child, url, options.until === 'live' ? '/livez' : '/readyz');
  } catch (error) {
    await child.kill();
    throw error;
  }
  return {
    url,
    port,
    pid: child.pid,
    exited: child.exited,
    output: () => child.output(),
    kill: () => child.kill(),
    term: () => child.signal('SIGTERM'),
    pause: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
  };
}

/** The whole environment of a replica: nothing from the host, which may have a developer's key or Redis. */
export function settingsOf({ redisUrl, modelUrl, env }: ReplicaOptions, port: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOST: '127.0.0.1',
    PORT: String(port),
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
    OPENAI_BASE_URL: modelUrl,
    OPENAI_API_KEY: 'test',
    OPENAI_MODEL: 'scripted',
    ...env,
  };
}

async function waitUntilServing(child: Child, url: string, path: string): Promise<void> {
  const answers = async () =>
    (await call(url, 'GET', path, undefined, {}, { timeoutMs: 1000 })).status === 200;
  try {
    const what = `${path} of a replica to be 200`;
    await waitFor(async () => !child.isRunning || (await answers()), { timeoutMs: 40_000, what });
  } catch (error) {
    throw new Error(`a replica is not ready:\n${child.output()}`, { cause: error });
  }
  if (child.isRunning) return;
  const code = await child.exited;
  throw new Error(`a replica exited with ${code} before it was ready:\n${child.output()}`);
}
