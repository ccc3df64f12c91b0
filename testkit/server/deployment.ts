import { startHaproxy } from '../http/haproxy.ts';
import { call } from '../http/http.ts';
import { openStream, type SseReader } from '../http/sse.ts';
import { type ScriptedModel, startScriptedModel } from '../model/scripted-model.ts';
import { type RedisServer, startRedis } from '../redis/redis.ts';
import { asOneServer, startCluster } from '../redis/redis-cluster.ts';
import { takeSharedRedis } from '../redis/shared-redis.ts';
import { startTestRedis } from '../redis/testcontainers-redis.ts';
import { type Replica, type ReplicaOptions, startReplica } from './replica.ts';

/** Redis, a scripted model and some replicas: what most tests of the server need. */
export interface Deployment {
  /** On a Cluster all its nodes as one: a command goes to the node of its key. */
  readonly redis: RedisServer;
  /** The settings with which a replica or an operator command connects to it. */
  readonly redisEnv: Readonly<Record<string, string>>;
  readonly model: ScriptedModel;
  readonly replicas: readonly Replica[];
  /** One more replica with the same settings or some changed; on a given port, or not ready yet. */
  another(
    env?: Readonly<Record<string, string>>,
    place?: Pick<ReplicaOptions, 'port' | 'until'>,
  ): Promise<Replica>;
}

/** With TEST_BALANCER=haproxy requests go through HAProxy, so any of them may answer. */
async function behindBalancer(replicas: readonly Replica[]): Promise<readonly Replica[]> {
  if (process.env.TEST_BALANCER !== 'haproxy') return replicas;
  const { url } = await startHaproxy(replicas.map(({ port }) => port));
  return replicas.map((replica) => ({ ...replica, url }));
}

/** With TEST_REPLICAS=in-process they run in this process, otherwise as processes of the built server. */
async function start(options: ReplicaOptions): Promise<Replica> {
  if (process.env.TEST_REPLICAS !== 'in-process') return startReplica(options);
  const { startInProcess } = await import('./in-process.ts');
  return startInProcess({ ...options, env: { WORKER: 'off', ...options.env } });
}

/** A Redis and the settings with which replicas connect to it. */
export interface Store {
  readonly redis: RedisServer;
  readonly env: Readonly<Record<string, string>>;
}

/** Short times, so that a test of an expired lease takes seconds; each can be overridden. */
const SHORT = { LOCK_TTL_MS: '1000', LOG_LEVEL: 'warn', SHUTDOWN_DELAY_SECONDS: '0' };

export async function startDeployment(
  count: number,
  env: Readonly<Record<string, string>> = {},
  store: Store | Promise<Store> = startStore(),
): Promise<Deployment> {
  const [{ redis, env: address }, model] = await Promise.all([store, startScriptedModel()]);
  const options = { modelUrl: model.url, env: { ...SHORT, ...address, ...env } };
  const replicas = await Promise.all(Array.from({ length: count }, () => start(options)));
  return {
    redis,
    redisEnv: address,
    model,
    replicas: await behindBalancer(replicas),
    another: (more = {}, place = {}) => start({ ...options, ...place, env: { ...options.env, ...more } }),
  };
}

/**
 * A new Redis: one server, with TEST_TOPOLOGY=cluster three masters, or with `shared` a database of the server that
 * the files of a worker share.
 *
 * @param need   what the test does with it. `restarts`: freezes, kills and restarts it, which needs a process.
 *               `durable`: the same, and each write is on disk before it is acknowledged
 */
export async function startStore(need: 'any' | 'restarts' | 'durable' = 'any'): Promise<Store> {
  const topology = process.env.TEST_TOPOLOGY ?? 'standalone';
  const args = need === 'durable' ? ['--appendonly', 'yes', '--appendfsync', 'always'] : [];
  switch (topology) {
    case 'shared': {
      if (need !== 'any') throw new Error('a test that restarts Redis belongs to another layer');
      const redis = await takeSharedRedis();
      return { redis, env: { REDIS_URL: redis.url } };
    }
    case 'standalone': {
      const redis = need === 'any' ? await startTestRedis() : await startRedis({ args });
      return { redis, env: { REDIS_URL: redis.url } };
    }
    case 'cluster': {
      const cluster = await startCluster({ args });
      return { redis: asOneServer(cluster), env: { REDIS_CLUSTER: cluster.addresses } };
    }
    default:
      throw new Error(`TEST_TOPOLOGY is ${topology}, expected standalone, shared or cluster`);
  }
}

/** A replica of a deployment, by number. */
export function replicaOf(deployment: Deployment, index: number): Replica {
  const replica = deployment.replicas[index];
  if (replica === undefined) throw new Error(`there is no replica ${index}`);
  return replica;
}

export interface SayOptions {
  readonly onBusy?: string;
  readonly idempotencyKey?: string;
}

/** Sends a message and reads its answer as a stream. */
export function say(
  replica: { readonly url: string },
  conversationId: string,
  message: string,
  options: SayOptions = {},
): Promise<SseReader> {
  return openStream(`${replica.url}/api/chat/stream`, {
    method: 'POST',
    body: { message, conversation_id: conversationId, on_busy: options.onBusy },
    headers: options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey },
  });
}

/** Replays or resumes a turn's events, on any replica. */
export function follow(
  replica: { readonly url: string },
  conversationId: string,
  turnId: string,
  lastEventId?: string,
): Promise<SseReader> {
  return openStream(`${replica.url}/api/sessions/${conversationId}/turns/${turnId}/stream`, {
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  });
}

export function turnIdOf(reader: SseReader): string {
  return String(reader.headers['x-turn-id']);
}

export interface WireMessage {
  readonly id: string;
  readonly turn_id: string;
  readonly role: string;
  readonly content: string;
  readonly truncated?: boolean;
}

/** The history, as `role: content`; a truncated message ends in a mark. */
export async function historyOf(
  replica: { readonly url: string },
  conversationId: string,
): Promise<string[]> {
  const { body } = await call<{ messages?: WireMessage[] }>(
    replica.url,
    'GET',
    `/api/sessions/${conversationId}/messages?limit=1000`,
  );
  return (body.messages ?? []).map(
    (message) => `${message.role}: ${message.content}${message.truncated ? ' [truncated]' : ''}`,
  );
}

export interface WireTurn {
  readonly status: string;
  readonly attempt: number;
  readonly position: number | null;
  readonly reply: string | null;
  readonly kept: boolean | null;
  readonly finish_reason: string | null;
  readonly error: { readonly code: string } | null;
}

export async function turnOf(
  replica: { readonly url: string },
  conversationId: string,
  turnId: string,
): Promise<WireTurn> {
  const { body } = await call<WireTurn>(
    replica.url,
    'GET',
    `/api/sessions/${conversationId}/turns/${turnId}`,
  );
  return body;
}
