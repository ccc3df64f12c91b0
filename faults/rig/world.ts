import { type RedisServer, startRedis } from '../../test/support/redis.ts';
import { type RedisCluster, startCluster } from '../../test/support/redis-cluster.ts';
import { type RedisSentinel, startSentinel } from '../../test/support/redis-sentinel.ts';
import { type Replica, startReplica } from '../../test/support/replica.ts';
import { type FaultModel, startFaultModel } from './fault-model.ts';
import { type RedisProxy, startRedisProxy } from './redis-proxy.ts';
import { scriptNames } from './script-names.ts';

/** What a row needs to stand; rows with the same needs share it. */
export interface WorldSpec {
  readonly redis: 'standalone' | 'sentinel' | 'cluster';
  readonly replicas: number;
  readonly env: Readonly<Record<string, string>>;
  readonly redisArgs: readonly string[];
  /** Further settings of single replicas, by their place. */
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

/** A replica with its own way to Redis, which stays when the process is replaced. */
export interface Slot {
  readonly name: string;
  readonly url: string;
  readonly process: Replica;
  /** null where the replica finds Redis by itself: Sentinel, Cluster. */
  readonly proxy: RedisProxy | null;
  /** Killed or left, and not replaced yet. */
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
  const names = scriptNames(entry);
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
  // One after the other: side by side they only wait for each other's processor.
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
