import { expect } from 'vitest';
import { getSession, saidIn } from './api.ts';
import { type Deployment, replicaOf, say, startDeployment } from './deployment.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { chatUntilTold, sayUntilIn } from './patient.ts';
import type { CommandFault } from './proxied-connection.ts';
import { startRedis } from './redis.ts';
import type { RedisCommand } from './redis-command.ts';
import type { Replica } from './replica.ts';
import { echo, type ModelRequest } from './scripted-model.ts';
import { waitFor } from './wait-for.ts';

/** A deployment in which one replica's way to Redis can be made to fail. */
export interface Shaky extends Deployment {
  readonly proxy: FaultProxy;
  /** Its Redis is behind the proxy. */
  readonly shaky: Replica;
  /** Sees the same Redis without the proxy. */
  readonly steady: Replica;
}

export async function startShaky(env: Readonly<Record<string, string>> = {}): Promise<Shaky> {
  const redis = await startRedis();
  const proxy = await startFaultProxy(redis);
  const store = { redis, env: { REDIS_URL: redis.url } };
  const deployment = await startDeployment(1, { LOCK_TTL_MS: '2000', ...env }, store);
  const shaky = await deployment.another({ REDIS_URL: proxy.url });
  const all = { ...deployment, proxy, shaky, steady: replicaOf(deployment, 0) };
  await showScripts(all);
  return all;
}

/** Every script that turns need goes by once with its text, so that the proxy knows it from then on. */
async function showScripts({ redis, model, shaky }: Shaky): Promise<void> {
  await redis.ask('SCRIPT', 'FLUSH');
  const gate = model.gate();
  model.reply((request) => (lastSaid(request) === 'first' ? [{ wait: gate }] : echo(request)));
  const first = await sayUntilIn(shaky, 'shown', 'first');
  await gate.reached;
  const second = await sayUntilIn(shaky, 'shown', 'second');
  await second.until('queued');
  const joined = chatUntilTold([shaky], 'shown', 'joined', { onBusy: 'coalesce' });
  await waitFor(
    () => redis.ask('HEXISTS', `turnwise:{-/shown}:turn:${second.headers['x-turn-id']}`, 'joined'),
    {
      what: 'a message to have joined',
    },
  );
  const third = await sayUntilIn(shaky, 'shown', 'third', { onBusy: 'rollback' });
  for (const reader of [first, second, third]) await reader.all();
  await joined;
  model.reply(echo);
}

export function lastSaid(request: ModelRequest): string {
  return request.messages.at(-1)?.content ?? '';
}

/**
 * The next command of a kind that is about this session meets the fault, once; then what the second rule names,
 * once too.
 *
 * @returns how many faults were met
 */
export function faultOnce(
  { proxy }: Shaky,
  isKind: (command: RedisCommand) => boolean,
  fault: CommandFault,
  conversationId: string,
  then: (command: RedisCommand) => CommandFault | undefined = () => undefined,
): () => number {
  let met = 0;
  proxy.onCommand((command) => {
    if (!command.words.some((word) => word.includes(`-/${conversationId}`))) return undefined;
    const found = met === 0 ? isKind(command) && fault : met === 1 && then(command);
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

/** A session says exactly this, its count fits, and nothing of it is still waiting, running or locked. */
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
