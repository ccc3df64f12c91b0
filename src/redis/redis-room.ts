import type { TurnAdmission } from '../conversation/admission-port.ts';
import type {
  EventLog,
  Notice,
  SessionLock,
  SessionStore,
  TurnQueue,
  TurnRate,
  TurnStore,
  TurnTakeover,
} from '../conversation/ports.ts';
import { RedisClock } from './clock.ts';
import { type Client, connect, type RedisPlace } from './connect.ts';
import { RedisEventLog } from './event-log.ts';
import { HistoryCache } from './history-cache.ts';
import { IndexWriter } from './index-writer.ts';
import { type Keys, makeKeys } from './keys.ts';
import { Mailbox } from './mailbox.ts';
import { RunningIndex } from './running-index.ts';
import { defineScripts } from './scripts.ts';
import { RedlockSessionLock } from './session-lock.ts';
import { RedisSessionStore } from './session-store.ts';
import { RedisTurnAdmission } from './turn-admission.ts';
import { TurnContext, type TurnSettings } from './turn-context.ts';
import { RedisTurnQueue } from './turn-queue.ts';
import { RedisTurnRate } from './turn-rate.ts';
import { RedisTurnStore } from './turn-store.ts';
import { RedisTurnTakeover } from './turn-takeover.ts';
import { WriteProbe } from './write-probe.ts';

export interface RedisSettings extends TurnSettings {
  readonly place: RedisPlace;
  readonly keyPrefix: string;
  readonly historyCacheBytes: number;
  /** Whether a turn is stopped that nobody reads. */
  readonly countsReaders: boolean;
  /** 0: no limit. */
  readonly turnsPerMinute: number;
}

export interface RedisRoomEvents {
  /** An announcement came. */
  noticed(notice: Notice): void;
  /** Announcements may have been missed. */
  missed(): void;
  failed(what: string, error: unknown): void;
}

/** Everything that remembers, behind the ports of the core, and the two connections it uses. */
export interface RedisRoom {
  readonly client: Client;
  readonly subscriber: Client;
  readonly keys: Keys;
  readonly clock: RedisClock;
  readonly admission: TurnAdmission;
  readonly queue: TurnQueue;
  readonly turns: TurnStore;
  readonly takeover: TurnTakeover;
  readonly sessions: SessionStore;
  readonly lock: SessionLock;
  readonly log: EventLog;
  /** null: no limit, and Redis is not asked. */
  readonly rate: TurnRate | null;
  readonly cache: HistoryCache;
  readonly probe: WriteProbe;
  close(): void;
}

/** How often the connection that only listens is asked whether it is still one. */
const LISTENING_CHECK_MS = 3000;

export function openRedisRoom(settings: RedisSettings, events: RedisRoomEvents): RedisRoom {
  const failed = (what: string) => (error: unknown) => events.failed(what, error);
  const keys = makeKeys(settings.keyPrefix);
  const client = connect(settings.place, 'commands', failed('talk to Redis'));
  const subscriber = connect(settings.place, 'subscriber', failed('listen to Redis'));
  defineScripts(client);
  const clock = new RedisClock();
  keepClock(client, clock);
  const cache = new HistoryCache(settings.historyCacheBytes);
  const index = new IndexWriter(client, keys, failed('write the index'));
  const running = new RunningIndex(client, keys, failed('write the list of live turns'));
  const context = new TurnContext({ client, keys, clock, cache, index, running, settings });
  const stopChecking = keepListening(subscriber);
  const mailbox = new Mailbox(subscriber, keys, settings.replicaId, events.noticed, events.missed);
  return {
    client,
    subscriber,
    keys,
    clock,
    cache,
    probe: new WriteProbe(client, keys),
    admission: new RedisTurnAdmission(context),
    queue: new RedisTurnQueue(context),
    turns: new RedisTurnStore(context),
    takeover: new RedisTurnTakeover(context),
    sessions: new RedisSessionStore(client, keys, clock, cache, index),
    lock: new RedlockSessionLock(client, keys, settings.leaseMs),
    log: new RedisEventLog(client, keys, mailbox, settings.countsReaders),
    rate:
      settings.turnsPerMinute === 0
        ? null
        : new RedisTurnRate(client, keys, settings.turnsPerMinute, failed('count turns a minute')),
    close: () => {
      stopChecking();
      client.disconnect();
      subscriber.disconnect();
    },
  };
}

/** Asks Redis for its time at each connection, so that deadlines have a meaning from the first turn on. */
function keepClock(client: Client, clock: RedisClock): void {
  client.on('ready', () => {
    // The next reply that carries the time makes it good.
    clock.ask(client).catch(() => {});
  });
}

/** A listener sends nothing, so it would never notice that nobody is there any more. @returns stops it */
function keepListening(subscriber: Client): () => void {
  const timer = setInterval(() => {
    if (subscriber.status === 'ready') subscriber.ping().catch(() => {});
  }, LISTENING_CHECK_MS);
  return () => clearInterval(timer);
}
