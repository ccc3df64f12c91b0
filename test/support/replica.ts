import { fileURLToPath } from 'node:url';
import { type Child, startChild } from './child.ts';
import { freePort, isFree } from './free-port.ts';
import { call } from './http.ts';
import { waitFor } from './wait-for.ts';

/** The program under test: the built server, or the one that TURNWISE_ENTRY names, say a build broken on purpose. */
export const serverEntry =
  process.env.TURNWISE_ENTRY ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** A server process of its own. */
export interface Replica {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Exit code, or null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** What it wrote to stdout and stderr. */
  output(): string;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and no waiting: `exited` tells the end. */
  term(): void;
  /** SIGSTOP: it sleeps with all its connections. */
  pause(): void;
  resume(): void;
}

export interface ReplicaOptions {
  /** Left out when `env` names a Cluster or sentinels. */
  readonly redisUrl?: string;
  readonly modelUrl: string;
  /** Settings over the usual ones of a test. */
  readonly env?: Readonly<Record<string, string>>;
  /** Another program in place of the built server. */
  readonly entry?: string;
  /** The same port again, say after a kill. */
  readonly port?: number;
  /** `live` returns before Redis is there; default `ready`. */
  readonly until?: 'ready' | 'live';
}

/**
 * Starts a replica of the built server; ready to serve when it returns.
 *
 * @throws   when it exits first or is not ready in 40 s, with its output
 */
export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const port = options.port ?? (await freePort());
  // Else whoever listens there would answer for the replica that cannot.
  await waitFor(() => isFree(port), { timeoutMs: 2000, what: `port ${port} to be free` });
  const url = `http://127.0.0.1:${port}`;
  const child = startChild(process.execPath, [options.entry ?? serverEntry, 'serve'], {
    env: {
      // Not the host's own environment: a key or a Redis of the developer must not reach a test.
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: String(port),
      ...(options.redisUrl === undefined ? {} : { REDIS_URL: options.redisUrl }),
      OPENAI_BASE_URL: options.modelUrl,
      OPENAI_API_KEY: 'test',
      OPENAI_MODEL: 'scripted',
      ...options.env,
    },
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

/** Starts so many replicas with the same settings. */
export function startReplicas(count: number, options: ReplicaOptions): Promise<Replica[]> {
  return Promise.all(Array.from({ length: count }, () => startReplica(options)));
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
