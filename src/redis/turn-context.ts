import type { Grant, OpenGrant, TurnPlace, TurnRef } from '../conversation/ports.ts';
import type { TurnFailure } from '../conversation/turn.ts';
import type { RedisClock } from './clock.ts';
import type { Client } from './connect.ts';
import type { HistoryCache } from './history-cache.ts';
import type { IndexWriter } from './index-writer.ts';
import { type Keys, type SessionKeys, sessionTag } from './keys.ts';
import { grantOf, type ScriptReply } from './replies.ts';
import type { RunningIndex } from './running-index.ts';

export interface TurnSettings {
  readonly replicaId: string;
  readonly sessionTtlMs: number;
  readonly logTtlMs: number;
  readonly leaseMs: number;
  readonly queueMax: number;
  readonly maxMessages: number;
  readonly maxMessageBytes: number;
  readonly maxAttempts: number;
  /** Longest running time of all attempts of a turn. */
  readonly maxTotalMs: number;
}

/** Newest messages that a replica is sent which knows nothing of a session; older ones only if the prompt needs them. */
export const HISTORY_TAIL = 256;

/** What the adapters share that call the scripts of a turn. */
export class TurnContext {
  readonly client: Client;
  readonly keys: Keys;
  readonly clock: RedisClock;
  readonly cache: HistoryCache;
  readonly index: IndexWriter;
  readonly running: RunningIndex;
  readonly settings: TurnSettings;

  constructor(parts: {
    client: Client;
    keys: Keys;
    clock: RedisClock;
    cache: HistoryCache;
    index: IndexWriter;
    running: RunningIndex;
    settings: TurnSettings;
  }) {
    this.client = parts.client;
    this.keys = parts.keys;
    this.clock = parts.clock;
    this.cache = parts.cache;
    this.index = parts.index;
    this.running = parts.running;
    this.settings = parts.settings;
  }

  sessionKeys(turn: TurnPlace): SessionKeys {
    return this.keys.session(turn.session);
  }

  /** What every script begins with that is about a session and a turn of it: the session's five keys and the record. */
  keysOfRecord(turn: TurnPlace): string[] {
    const { meta, messages, queue, turns, lock, turn: record } = this.sessionKeys(turn);
    return [meta, messages, queue, turns, lock, record(turn.turnId)];
  }

  /** With the log and the idempotency key of whoever asks; KEYS 1 to 8. */
  keysToAdmit(turn: TurnRef): string[] {
    const { log, idempotency } = this.sessionKeys(turn);
    const [hash = null] = turn.idempotencyHashes;
    return [...this.keysOfRecord(turn), log(turn.turnId), idempotency(hash)];
  }

  /** With the log and all idempotency keys that mean the turn, and the count of keys in front, as ioredis wants it. */
  keysOf(turn: TurnRef): [count: number, ...keys: string[]] {
    const { log, idempotency } = this.sessionKeys(turn);
    const keys = [...this.keysOfRecord(turn), log(turn.turnId), ...turn.idempotencyHashes.map(idempotency)];
    return [keys.length, ...keys];
  }

  /** Part 1 of most replies is Redis' time; the session just got a new end. */
  seen(turn: TurnRef, reply: ScriptReply): void {
    this.clock.learn(reply.number(1));
    this.index.touch(turn.session, reply.number(1) + this.settings.sessionTtlMs);
  }

  grant(turn: TurnRef, reply: ScriptReply): Grant {
    const grant = grantOf(turn.session, reply);
    const continues = reply.number(9) === 1;
    return { ...grant, history: this.cache.merge(sessionTag(turn.session), grant.history, continues) };
  }

  openGrant(turn: TurnRef, reply: ScriptReply): OpenGrant {
    return {
      ...this.grant(turn, reply),
      userMessages: reply.texts(10),
      idempotencyHashes: reply.texts(11),
      ranMs: reply.number(12),
    };
  }
}

/** Fields that an end adds to the record; all are strings, as a hash holds them. */
export function recordFields(
  kept: boolean,
  failure: TurnFailure | null,
  more: Record<string, string>,
): string {
  return JSON.stringify({
    kept: kept ? '1' : '0',
    ...(failure === null ? {} : { error: JSON.stringify(failure) }),
    ...more,
  });
}
