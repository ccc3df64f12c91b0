import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.ts';
import type { SessionStore } from './conversation/ports.ts';
import type { ReconcileProgress, ReconcileReport } from './conversation/reconcile-port.ts';
import { reconcile } from './jobs/reconcile.ts';
import { OperatorError } from './operator-error.ts';
import { RedisClock } from './redis/clock.ts';
import { type Client, connect, isLoading } from './redis/connect.ts';
import { refuseOtherFormat } from './redis/format.ts';
import { HistoryCache } from './redis/history-cache.ts';
import { IndexWriter } from './redis/index-writer.ts';
import { type Keys, makeKeys } from './redis/keys.ts';
import { RedisReconcileStore } from './redis/reconcile-store.ts';
import { defineScripts } from './redis/scripts.ts';
import { RedisSessionStore } from './redis/session-store.ts';
import { redisPlace, repairSettings } from './redis-settings.ts';

/** Longest wait for the first answer of Redis. */
const CONNECT_MS = 2000;

const LOADING = new Error('it is loading its data');

/** What an operator's command works with: what is stored, and nothing that would serve or answer. */
export interface Operator {
  readonly client: Client;
  readonly keys: Keys;
  readonly sessions: SessionStore;
  readonly store: RedisReconcileStore;
  /** @throws OperatorError when the keys have another layout than this version knows */
  refuseOtherFormat(): Promise<void>;
  reconcile(isDryRun: boolean, progressed: (progress: ReconcileProgress) => void): Promise<ReconcileReport>;
}

/** Opens what is stored for a piece of work, and closes it again. @throws OperatorError when Redis does not answer */
export async function withOperator<T>(config: Config, work: (operator: Operator) => Promise<T>): Promise<T> {
  let last: unknown;
  const client = connect(redisPlace(config), 'operator', (error) => {
    last = error;
  });
  try {
    const clock = new RedisClock();
    clock.learn(
      await firstAnswer(client, (error) =>
        describeFailure(config, isLoading(client) ? LOADING : (last ?? error)),
      ),
    );
    defineScripts(client);
    const keys = makeKeys(config.KEY_PREFIX);
    const index = new IndexWriter(client, keys, () => {});
    const store = new RedisReconcileStore(client, keys, repairSettings(config));
    const checkFormat = () =>
      refuseOtherFormat(client, keys).catch((error: Error) => {
        throw new OperatorError(error.message, { cause: error });
      });
    return await work({
      client,
      keys,
      sessions: new RedisSessionStore(client, keys, clock, new HistoryCache(0), index),
      store,
      refuseOtherFormat: checkFormat,
      reconcile: async (isDryRun, progressed) => {
        await checkFormat();
        return reconcile(store, { isDryRun, progressed });
      },
    });
  } finally {
    client.disconnect();
  }
}

/** @returns Redis' time, ms */
async function firstAnswer(client: Client, failure: (error: unknown) => string): Promise<number> {
  const untilMs = performance.now() + CONNECT_MS;
  for (;;) {
    try {
      const [seconds, micros] = await client.time();
      return Number(seconds) * 1000 + Number(micros) / 1000;
    } catch (error) {
      if (performance.now() > untilMs) throw new OperatorError(failure(error), { cause: error });
      await sleep(20);
    }
  }
}

function describeFailure(config: Config, error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  const reason = root instanceof Error && root.message !== '' ? `: ${root.message}` : '';
  return `Redis does not answer at ${redisAddress(config)}${reason}`;
}

/** Where Redis is, without the password that a URL may hold. */
export function redisAddress(config: Config): string {
  if (config.REDIS_CLUSTER) return config.REDIS_CLUSTER.join(',');
  if (config.REDIS_SENTINELS) return `${config.REDIS_SENTINEL_NAME} of ${config.REDIS_SENTINELS.join(',')}`;
  const { host, pathname } = new URL(config.REDIS_URL);
  return `${host}${pathname === '/' ? '' : pathname}`;
}
