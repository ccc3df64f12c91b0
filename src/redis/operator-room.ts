import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionStore } from '../conversation/ports/sessions.ts';
import { makeKeys } from './keys.ts';
import { RedisReconcileStore } from './repair/reconcile-store.ts';
import type { RepairSettings } from './repair/session-repair.ts';
import { defineScripts } from './scripts.ts';
import { RedisClock } from './server/clock.ts';
import { type Client, connect, isLoading, type RedisPlace } from './server/connect.ts';
import { answered } from './server/failures.ts';
import { refuseOtherFormat } from './server/format.ts';
import { readServerFacts, type ServerFacts } from './server/server-facts.ts';
import { HistoryCache } from './sessions/history-cache.ts';
import { IndexWriter } from './sessions/index-writer.ts';
import { RedisSessionStore } from './sessions/session-store.ts';

export interface OperatorSettings extends RepairSettings {
  readonly place: RedisPlace;
  readonly keyPrefix: string;
}

/** What the reconcile job and the operator commands work with: the stored data, and nothing that serves turns. */
export interface OperatorRoom {
  readonly sessions: SessionStore;
  readonly store: RedisReconcileStore;
  /** For BullMQ: the client, and the prefix of its keys, braced so that a Cluster keeps them in one slot. */
  readonly jobs: { readonly connection: Client; readonly prefix: string };
  /** @throws FormatError when the keys have another layout than this version knows */
  refuseOtherFormat(): Promise<void>;
  /** The layout of the keys; null: nothing is stored yet. */
  format(): Promise<string | null>;
  /** The report of the last reconcile, as JSON; null when there was none. */
  lastReport(): Promise<string | null>;
  servers(): Promise<readonly ServerFacts[]>;
  /** Why Redis refuses the channels that replicas use; null when it does not. */
  channelRefusal(): Promise<string | null>;
  close(): void;
}

/** Longest wait for the first reply of Redis. */
const CONNECT_MS = 2000;

/** A room for background jobs, which wait for Redis as long as it takes. */
export function openJobsRoom(settings: OperatorSettings): OperatorRoom {
  // BullMQ also listens to this client's errors, and reports them.
  return openRoom(
    settings,
    connect(settings.place, 'jobs', () => {}),
    new RedisClock(),
  );
}

/** A room for one command. @throws the reason why Redis does not answer */
export async function openOperatorRoom(settings: OperatorSettings): Promise<OperatorRoom> {
  let last: unknown;
  const client = connect(settings.place, 'operator', (error) => {
    last = error;
  });
  const clock = new RedisClock();
  const untilMs = performance.now() + CONNECT_MS;
  for (;;) {
    try {
      await clock.ask(client);
      return openRoom(settings, client, clock);
    } catch (error) {
      if (performance.now() > untilMs) {
        client.disconnect();
        throw isLoading(client) ? new Error('it is loading its data') : (last ?? error);
      }
      await sleep(20);
    }
  }
}

function openRoom(
  { keyPrefix, ...settings }: OperatorSettings,
  client: Client,
  clock: RedisClock,
): OperatorRoom {
  defineScripts(client);
  const keys = makeKeys(keyPrefix);
  const index = new IndexWriter(client, keys, () => {});
  return {
    sessions: new RedisSessionStore(client, keys, clock, new HistoryCache(0), index),
    store: new RedisReconcileStore(client, keys, settings),
    jobs: { connection: client, prefix: keys.jobs },
    refuseOtherFormat: () => refuseOtherFormat(client, keys),
    format: () => answered(client.get(keys.format)),
    lastReport: () => answered(client.get(keys.reconcile)),
    servers: () => readServerFacts(client),
    channelRefusal: async () => {
      try {
        await client.publish(keys.replicaChannelPrefix, 'doctor');
        return null;
      } catch (error) {
        return error instanceof Error ? error.message : 'no answer';
      }
    },
    close: () => client.disconnect(),
  };
}
