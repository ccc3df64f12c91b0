import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type Child, startChild } from '../process/child.ts';
import { findProgram } from '../process/find-program.ts';
import { freePort } from '../process/free-port.ts';
import { whenLeftOver } from '../process/left-overs.ts';
import { waitFor } from '../wait-for.ts';

/** A Redis process of a test, on a loopback port that stays the same over a restart. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly dir: string;
  /** Of the current process. */
  readonly pid: number;
  output(): string;
  /** Sends one command on a new connection. */
  ask(command: string, ...args: (string | number)[]): Promise<unknown>;
  /** Stops it and removes its directory. */
  stop(): Promise<void>;
  /** SIGKILL; the directory stays for `restart`. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void;
  resume(): void;
  /** SIGTERM if it runs, then the same command line again; ready when it returns. */
  restart(): Promise<void>;
}

export interface RedisOptions {
  /** After `--save '' --appendonly no`, so these win. */
  readonly args?: readonly string[];
  readonly port?: number;
  /** A directory that the caller removes. */
  readonly dir?: string;
  /** `listening`: it may still load its data when this returns; default `ready`. */
  readonly until?: 'ready' | 'listening';
}

export interface RedisPlace {
  readonly port: number;
  readonly dir: string;
}

/** Starts a Redis for a test: loopback, not persistent; ready when it returns. */
export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return startRedisProcess({
    ...options,
    commandLine: ({ port, dir }) => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir],
      ...['--save', '', '--appendonly', 'no', ...(options.args ?? [])],
    ],
  });
}

/**
 * Starts a Redis server process with the given command line.
 *
 * @throws   when no server is installed, or it exits before it answers PING (with its output)
 */
export async function startRedisProcess(options: {
  readonly commandLine: (place: RedisPlace) => string[];
  readonly port?: number;
  readonly dir?: string;
  readonly until?: 'ready' | 'listening';
}): Promise<RedisServer> {
  const binary = findRedisServer();
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'turnwise-redis-'));
  const removeDir = () => {
    if (options.dir === undefined) rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  const forgetDir = whenLeftOver(
    removeDir,
    options.dir === undefined ? { kind: 'folder', path: dir } : undefined,
  );

  // The bus of a cluster node listens 10000 above.
  let port = options.port ?? (await freePort({ alsoFreeAt: 10_000 }));
  const start = async () => {
    const child = startChild(binary, options.commandLine({ port, dir }), { cwd: dir });
    await waitUntilReady(child, port, options.until !== 'listening');
    return child;
  };
  let child: Child;
  try {
    child = await start();
  } catch (error) {
    // Another process took the port between the check and the start.
    if (options.port !== undefined || !String(error).includes('already in use')) throw error;
    port = await freePort({ alsoFreeAt: 10_000 });
    child = await start();
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return child.pid;
    },
    output: () => child.output(),
    ask: (command, ...args) => askRedis(port, command, ...args),
    async stop() {
      await child.stop();
      forgetDir();
      removeDir();
    },
    kill: () => child.kill(),
    pause: () => child.signal('SIGSTOP'),
    resume: () => child.signal('SIGCONT'),
    async restart() {
      if (child.isRunning) await child.stop();
      child = await start();
    },
  };
}

async function waitUntilReady(child: Child, port: number, isLoaded: boolean): Promise<void> {
  // The PID is checked: on a taken port, another server answers PING while ours exits.
  const answers = async () =>
    (!isLoaded || (await askRedis(port, 'PING')) === 'PONG') &&
    String(await askRedis(port, 'INFO', 'server')).includes(`process_id:${child.pid}\r\n`);
  await waitFor(async () => !child.isRunning || (await answers()), {
    timeoutMs: 10_000,
    what: `Redis on port ${port} to answer PING`,
  });
  if (child.isRunning) return;
  await child.exited;
  throw new Error(`Redis on port ${port} exited:\n${child.output()}`);
}

/** Sends one command on a new connection, in a Cluster to the node of its key. */
export function askRedis(port: number, command: string, ...args: (string | number)[]): Promise<unknown> {
  return askDatabase(port, 0, command, args);
}

export async function askDatabase(
  port: number,
  database: number,
  command: string,
  args: readonly (string | number)[],
): Promise<unknown> {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    db: database,
    lazyConnect: true,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 1000,
    commandTimeout: 2000,
    retryStrategy: () => null,
  });
  // Every failure also rejects the call below.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.call(command, ...args);
  } catch (error) {
    const moved = /^MOVED \d+ 127\.0\.0\.1:(\d+)$/.exec(error instanceof Error ? error.message : '');
    if (moved === null) throw error;
    return await askRedis(Number(moved[1]), command, ...args);
  } finally {
    client.disconnect();
  }
}

/**
 * The Redis or Valkey server on PATH.
 *
 * @throws   with the command that installs one
 */
export function findRedisServer(path?: string): string {
  const install = process.platform === 'darwin' ? 'brew install redis' : 'sudo apt-get install redis-server';
  const otherwise = `The tests need redis-server or valkey-server on PATH. Install it: ${install}`;
  return findProgram(['redis-server', 'valkey-server'], otherwise, path);
}
