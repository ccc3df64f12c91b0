import type { TurnAdmission } from '../conversation/ports/admission.ts';
import type { Activity, Notice } from '../conversation/ports/notices.ts';
import type { EventLog, SessionLock, SessionStore, TurnRate } from '../conversation/ports/sessions.ts';
import type { TurnQueue, TurnStore, TurnTakeover } from '../conversation/ports/turns.ts';
import { makeKeys } from './keys.ts';
import { defineScripts } from './scripts.ts';
import { RedisClock } from './server/clock.ts';
import { type Client, connect, type RedisPlace } from './server/connect.ts';
import { answered } from './server/failures.ts';
import { type FormatError, verifyFormat } from './server/format.ts';
import { announceOrphans, Mailbox } from './server/mailbox.ts';
import { WriteProbe } from './server/write-probe.ts';
import { HistoryCache } from './sessions/history-cache.ts';
import { IndexWriter } from './sessions/index-writer.ts';
import { RedlockSessionLock } from './sessions/session-lock.ts';
import { RedisSessionStore } from './sessions/session-store.ts';
import { RedisEventLog } from './turns/event-log.ts';
import { RunningIndex } from './turns/running-index.ts';
import { RedisTurnAdmission } from './turns/turn-admission.ts';
import { TurnContext, type TurnSettings } from './turns/turn-context.ts';
import { RedisTurnQueue } from './turns/turn-queue.ts';
import { RedisTurnRate } from './turns/turn-rate.ts';
import { RedisTurnStore } from './turns/turn-store.ts';
import { RedisTurnTakeover } from './turns/turn-takeover.ts';

export interface RedisSettings extends TurnSettings {
  readonly place: RedisPlace;
  readonly keyPrefix: string;
  readonly historyCacheBytes: number;
  /** 0: no limit. */
  readonly turnsPerMinute: number;
}

export interface RedisRoomEvents {
  /** An announcement arrived. */
  noticed(notice: Notice): void;
  /** Announcements may have been missed. */
  missed(): void;
  /** The keys have another layout than this version knows: the replica must stop. */
  otherFormat(error: FormatError): void;
  failed(activity: Activity, error: unknown): void;
}

/** Everything that is stored, behind the ports of the core. */
export interface RedisRoom {
  readonly admission: TurnAdmission;
  readonly queue: TurnQueue;
  readonly store: TurnStore;
  readonly takeover: TurnTakeover;
  readonly sessions: SessionStore;
  readonly lock: SessionLock;
  readonly log: EventLog;
  /** null: no limit, and Redis is not asked. */
  readonly rate: TurnRate | null;
  readonly probe: WriteProbe;
  /** The report of the last reconcile, as JSON; null when there was none. */
  lastReport(): Promise<string | null>;
  /** Notifies other replicas that turns were released. */
  announceOrphans(): Promise<void>;
  close(): void;
}

/** How often the connection that only listens is checked. */
const LISTENING_CHECK_MS = 3000;

export function openRedisRoom(settings: RedisSettings, events: RedisRoomEvents): RedisRoom {
  const failed = (activity: Activity) => (error: unknown) => events.failed(activity, error);
  const keys = makeKeys(settings.keyPrefix);
  const client = connect(settings.place, 'commands', failed('redis_command'));
  const subscriber = connect(settings.place, 'subscriber', failed('redis_listen'));
  defineScripts(client);
  const clock = new RedisClock();
  keepClock(client, clock);
  const layout = verifyFormat(client, keys, events.otherFormat);
  const cache = new HistoryCache(settings.historyCacheBytes);
  const index = new IndexWriter(client, keys, failed('index_write'));
  const running = new RunningIndex(client, keys, failed('running_write'));
  const context = new TurnContext({ client, layout, keys, clock, cache, index, running, settings });
  const stopChecking = keepListening(subscriber);
  const mailbox = new Mailbox(subscriber, keys, settings.replicaId, events.noticed, events.missed);
  return {
    probe: new WriteProbe(client, keys, layout),
    admission: new RedisTurnAdmission(context),
    queue: new RedisTurnQueue(context),
    store: new RedisTurnStore(context),
    takeover: new RedisTurnTakeover(context),
    sessions: new RedisSessionStore(client, keys, clock, cache, index),
    lock: new RedlockSessionLock(client, keys, settings.leaseMs),
    log: new RedisEventLog(client, keys, mailbox),
    rate:
      settings.turnsPerMinute === 0
        ? null
        : new RedisTurnRate(client, keys, settings.turnsPerMinute, failed('rate_count')),
    lastReport: () => answered(client.get(keys.reconcile)),
    announceOrphans: () => answered(announceOrphans(client, keys)),
    close: () => {
      stopChecking();
      client.disconnect();
      subscriber.disconnect();
    },
  };
}

/** Asks Redis for its time on each connection, so that deadlines have a meaning from the first turn on. */
function keepClock(client: Client, clock: RedisClock): void {
  client.on('ready', () => {
    // The next reply that carries the time makes up for it.
    clock.ask(client).catch(() => {});
  });
}

/** A listener sends nothing, so by itself it would never notice a dead connection. @returns stops it */
function keepListening(subscriber: Client): () => void {
  const timer = setInterval(() => {
    if (subscriber.status === 'ready') subscriber.ping().catch(() => {});
  }, LISTENING_CHECK_MS);
  return () => clearInterval(timer);
}
