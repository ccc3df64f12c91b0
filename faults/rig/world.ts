import { type RedisServer, startRedis } from '../../testkit/redis/redis.ts';
import { type RedisCluster, startCluster } from '../../testkit/redis/redis-cluster.ts';
import { type RedisProxy, startRedisProxy } from '../../testkit/redis/redis-proxy.ts';
import { type RedisSentinel, startSentinel } from '../../testkit/redis/redis-sentinel.ts';
import { scriptNames } from '../../testkit/redis/script-names.ts';
import { type Replica, startReplica } from '../../testkit/server/replica.ts';
import { type FaultModel, startFaultModel } from './fault-model.ts';

/** The set-up that a row needs; rows with the same needs share it. */
export interface WorldSpec {
  readonly redis: 'standalone' | 'sentinel' | 'cluster';
  readonly replicas: number;
  readonly env: Readonly<Record<string, string>>;
  readonly redisArgs: readonly string[];
  /** Extra settings of single replicas, by place. */
  readonly slotEnv?: readonly Readonly<Record<string, string>>[];
}

/** Short times, so that a trial takes seconds. */
export const SHORT_TIMES = {
  LOCK_TTL_MS: '600',
  LOG_LEVEL: 'warn',
  SHUTDOWN_DELAY_SECONDS: '0',
  SYSTEM_PROMPT: 'You are under test.',
  SESSION_TTL_SECONDS: '600',
  QUEUE_MAX: '200',
};

export const LOCK_TTL_MS = 600;

export const PLAIN: WorldSpec = { redis: 'standalone', replicas: 3, env: {}, redisArgs: [] };

/** A replica with its own connection to Redis, which remains when the process is replaced. */
export interface Slot {
  readonly name: string;
  readonly url: string;
  readonly process: Replica;
  /** null where the replica finds Redis by itself: Sentinel, Cluster. */
  readonly proxy: RedisProxy | null;
  /** Killed or exited, and not replaced yet. */
  readonly isGone: boolean;
}

export interface World {
  readonly spec: WorldSpec;
  readonly entry: string;
  readonly model: FaultModel;
  readonly slots: readonly Slot[];
  readonly redis: RedisServer;
  readonly sentinel: RedisSentinel | null;
  readonly cluster: RedisCluster | null;
  readonly env: Readonly<Record<string, string>>;
  kill(slot: Slot): Promise<void>;
  /** SIGTERM; settled with the exit code. */
  leave(slot: Slot): Promise<number | null>;
  /** Starts a new process where one is gone. */
  revive(slot: Slot): Promise<void>;
  close(): Promise<void>;
}

type OpenSlot = { -readonly [Name in keyof Slot]: Slot[Name] };

export async function startWorld(spec: WorldSpec, entry: string): Promise<World> {
  const model = await startFaultModel();
  const [sentinel, cluster, standalone] = await Promise.all([
    spec.redis === 'sentinel' ? startSentinel() : null,
    spec.redis === 'cluster' ? startCluster() : null,
    spec.redis === 'standalone' ? startRedis({ args: spec.redisArgs }) : null,
  ]);
  const redis = standalone ?? sentinel?.firstPrimary ?? cluster?.nodes[0];
  if (redis === undefined) throw new Error(`no Redis for ${spec.redis}`);
  const names = await scriptNames(entry);
  const place: Record<string, string> = {
    ...(sentinel && { REDIS_SENTINELS: sentinel.addresses, REDIS_SENTINEL_NAME: sentinel.name }),
    ...(cluster && { REDIS_CLUSTER: cluster.addresses }),
  };
  const env = { ...SHORT_TIMES, ...place, ...spec.env };
  const begin = (index: number, proxy: RedisProxy | null) =>
    startReplica({
      ...(proxy === null ? {} : { redisUrl: proxy.url }),
      modelUrl: model.url,
      entry,
      env: { ...env, ...spec.slotEnv?.[index] },
    });
  const slots: OpenSlot[] = [];
  // One after the other: in parallel they would only compete for the processor.
  for (let index = 0; index < spec.replicas; index += 1) {
    const proxy = standalone === null ? null : await startRedisProxy(standalone.port, names);
    const process = await begin(index, proxy);
    slots.push({ name: `replica ${index}`, url: process.url, process, proxy, isGone: false });
  }
  const open = (slot: Slot) => {
    const found = slots.find((one) => one.name === slot.name);
    if (found === undefined) throw new Error(`there is no ${slot.name}`);
    return found;
  };
  return {
    spec,
    entry,
    model,
    slots,
    redis,
    sentinel,
    cluster,
    env,
    async kill(slot) {
      const one = open(slot);
      one.isGone = true;
      await one.process.kill();
    },
    async leave(slot) {
      const one = open(slot);
      one.isGone = true;
      one.process.term();
      return one.process.exited;
    },
    async revive(slot) {
      const one = open(slot);
      const process = await begin(slots.indexOf(one), one.proxy);
      Object.assign(one, { process, url: process.url, isGone: false });
    },
    async close() {
      await Promise.all(slots.map((slot) => slot.process.kill()));
      await Promise.all(slots.map((slot) => slot.proxy?.close()));
      await model.close();
      await (sentinel ?? cluster ?? redis).stop();
    },
  };
}
