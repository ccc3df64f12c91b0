import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../testkit/redis/redis.ts';
import { type Replica, startReplica } from '../testkit/server/replica.ts';
import { Caller } from './exchange.ts';

/** A replica of the built server. */
export interface BenchReplica {
  readonly url: string;
  readonly caller: Caller;
  readonly process: Replica;
  stop(): Promise<void>;
  /** SIGKILL: without the end of its turns. */
  kill(): Promise<void>;
}

export interface ReplicaPlan {
  readonly entry: string;
  readonly redisUrl: string;
  readonly modelUrl: string;
  readonly profileFolder?: string | null;
  readonly env?: Readonly<Record<string, string>>;
}

/** As deployed, except for the log level. */
export async function startBenchReplica(plan: ReplicaPlan): Promise<BenchReplica> {
  const replica = await startReplica({
    entry: resolve(plan.entry),
    redisUrl: plan.redisUrl,
    modelUrl: plan.modelUrl,
    env: {
      LOG_LEVEL: 'warn',
      SHUTDOWN_DELAY_SECONDS: '0',
      ...profiling(plan.profileFolder ?? null),
      ...plan.env,
    },
  });
  const caller = new Caller(replica.url);
  return {
    url: replica.url,
    caller,
    process: replica,
    async stop() {
      caller.close();
      replica.term();
      await replica.exited;
    },
    async kill() {
      caller.close();
      await replica.kill();
    },
  };
}

function profiling(folder: string | null): Record<string, string> {
  if (folder === null) return {};
  mkdirSync(folder, { recursive: true });
  return { NODE_OPTIONS: `--cpu-prof --cpu-prof-interval=250 --cpu-prof-dir=${resolve(folder)}` };
}

/** A Redis server process with a connection for the bench. */
export interface BenchRedis {
  readonly server: RedisServer;
  readonly client: Redis;
  cpuSeconds(): Promise<number>;
  usedBytes(): Promise<number>;
  stop(): Promise<void>;
}

/** @param args  options of the Redis server, for example to keep its data on disk */
export async function startBenchRedis(args: readonly string[] = []): Promise<BenchRedis> {
  const server = await startRedis({ args });
  const client = new Redis(server.url);
  return {
    server,
    client,
    async cpuSeconds() {
      const info = await client.info('cpu');
      return ['used_cpu_user', 'used_cpu_sys']
        .map((name) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]))
        .reduce((sum, seconds) => sum + seconds, 0);
    },
    async usedBytes() {
      return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
    },
    async stop() {
      client.disconnect();
      await server.stop();
    },
  };
}
