import { expect } from 'vitest';
import { echo, type ModelRequest } from '../../testkit/model/scripted-model.ts';
import type { Fault } from '../../testkit/redis/proxied-connection.ts';
import { startRedis } from '../../testkit/redis/redis.ts';
import { type Match, type RedisProxy, startRedisProxy } from '../../testkit/redis/redis-proxy.ts';
import type { RedisRequest } from '../../testkit/redis/redis-request.ts';
import { scriptNames } from '../../testkit/redis/script-names.ts';
import { getSession, saidIn } from '../../testkit/server/api.ts';
import { type Deployment, replicaOf, say, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { serverEntry } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';

/** A deployment in which the connection of one replica to Redis can be made to fail. */
export interface Shaky extends Deployment {
  readonly proxy: RedisProxy;
  /** Its Redis is behind the proxy. */
  readonly shaky: Replica;
  /** Uses the same Redis without the proxy. */
  readonly steady: Replica;
}

export async function startShaky(env: Readonly<Record<string, string>> = {}): Promise<Shaky> {
  const redis = await startRedis();
  const proxy = await startRedisProxy(redis.port, await scriptNames(serverEntry));
  const store = { redis, env: { REDIS_URL: redis.url } };
  const deployment = await startDeployment(1, { LOCK_TTL_MS: '2000', ...env }, store);
  const shaky = await deployment.another({ REDIS_URL: proxy.url });
  return { ...deployment, proxy, shaky, steady: replicaOf(deployment, 0) };
}

export function lastSaid(request: ModelRequest): string {
  return request.messages.at(-1)?.content ?? '';
}

/**
 * The next request of a kind for this session meets the fault, once; then one that the second rule names, also once.
 *
 * @returns how many faults have occurred
 */
export function faultOnce(
  { proxy }: Shaky,
  isKind: Match,
  fault: Fault,
  conversationId: string,
  then: (request: RedisRequest) => Fault | undefined = () => undefined,
): () => number {
  let met = 0;
  proxy.onRequest((request) => {
    if (!request.words.some((word) => word.includes(`-/${conversationId}`))) return undefined;
    const found = met === 0 ? isKind(request) && fault : met === 1 && then(request);
    if (!found) return undefined;
    met += 1;
    return found;
  });
  return () => met;
}

/** Two turns of a session: the first stops at the gate, the second waits on the shaky replica. */
export async function twoInLine({ model, steady, shaky }: Shaky, id: string) {
  const gate = model.gate();
  model.reply((request) =>
    lastSaid(request) === `${id} first` ? [{ wait: gate }, ...echo(request)] : echo(request),
  );
  const first = await say(steady, id, `${id} first`);
  await gate.reached;
  const second = await say(shaky, id, `${id} second`);
  await second.until('queued');
  return { gate, first, second };
}

/** The history is exactly this, its count fits, and nothing is waiting, running or locked. */
export async function expectExactly(
  { redis, steady }: Pick<Shaky, 'redis' | 'steady'>,
  conversationId: string,
  said: readonly string[],
): Promise<void> {
  const key = (name: string) => `turnwise:{-/${conversationId}}:${name}`;
  const isQuiet = async () => {
    const left = await Promise.all([
      redis.ask('ZCARD', key('queue')),
      redis.ask('HEXISTS', key('meta'), 'running'),
      redis.ask('EXISTS', key('lock')),
    ]);
    return left.every((count) => count === 0);
  };
  await waitFor(isQuiet, { timeoutMs: 10_000, what: `${conversationId} to be quiet` });
  expect([conversationId, await saidIn(steady, conversationId)]).toEqual([conversationId, said]);
  const { body } = await getSession(steady, conversationId);
  expect([conversationId, body.message_count]).toEqual([conversationId, said.length]);
}

/** Messages, each followed by its echo. */
export function echoed(...messages: readonly string[]): string[] {
  return messages.flatMap((message) => [message, `echo:${message}`]);
}
