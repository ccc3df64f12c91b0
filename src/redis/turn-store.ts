import { type EventId, formatEventId, type TurnEvent } from '../conversation/events.ts';
import type {
  Admission,
  Admitted,
  Beat,
  Claimed,
  Ended,
  Ending,
  Opened,
  OpenGrant,
  StoredTurn,
  TurnPlace,
  TurnRef,
  TurnStore,
  Withdrawal,
  Withdrawn,
} from '../conversation/ports.ts';
import { type SessionRef, titleFrom } from '../conversation/session.ts';
import { isStopKind, type StopKind, type TurnFailure } from '../conversation/turn.ts';
import type { RedisClock } from './clock.ts';
import { type Client, COMMAND_TIMEOUT_MS } from './connect.ts';
import { encodeBatch } from './event-codec.ts';
import { answered } from './failures.ts';
import type { HistoryCache } from './history-cache.ts';
import type { IndexWriter } from './index-writer.ts';
import { type Keys, type SessionKeys, sessionTag } from './keys.ts';
import { corrupt, encodeMessage, messageId } from './message-codec.ts';
import { aheadOf, beatOf, grantOf, ScriptReply } from './replies.ts';
import type { RunningIndex } from './running-index.ts';
import { findTurn } from './turn-lookup.ts';

export interface TurnStoreSettings {
  readonly replicaId: string;
  readonly sessionTtlMs: number;
  readonly logTtlMs: number;
  readonly leaseMs: number;
  readonly queueMax: number;
  readonly maxMessages: number;
  readonly maxAttempts: number;
}

/** Newest messages that a replica is sent which knows nothing of a session; older ones only if the prompt needs them. */
export const HISTORY_TAIL = 256;

/** Longest that an admission may wait in front of Redis, in ms: past it the caller has had its 503. */
const ADMISSION_MS = COMMAND_TIMEOUT_MS;

export class RedisTurnStore implements TurnStore {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #clock: RedisClock;
  readonly #cache: HistoryCache;
  readonly #index: IndexWriter;
  readonly #running: RunningIndex;
  readonly #settings: TurnStoreSettings;

  constructor(
    client: Client,
    keys: Keys,
    clock: RedisClock,
    cache: HistoryCache,
    index: IndexWriter,
    running: RunningIndex,
    settings: TurnStoreSettings,
  ) {
    this.#client = client;
    this.#keys = keys;
    this.#clock = clock;
    this.#cache = cache;
    this.#index = index;
    this.#running = running;
    this.#settings = settings;
  }

  async admit(admission: Admission): Promise<Admitted> {
    const { turn } = admission;
    const settings = this.#settings;
    const tag = sessionTag(turn.session);
    const known = this.#cache.known(tag);
    const sentAt = this.#clock.nowMs();
    const raw = await answered(
      this.#client.admitTurn(
        8,
        ...this.#keysOf(turn),
        turn.turnId,
        settings.replicaId,
        tag,
        sentAt === 0 ? 0 : sentAt + ADMISSION_MS,
        settings.sessionTtlMs,
        settings.leaseMs,
        settings.queueMax,
        admission.onBusy,
        admission.idempotencyValue ?? '',
        admission.replacesIdempotencyValue ?? '',
        known.epoch,
        known.count,
        HISTORY_TAIL,
        this.#keys.replicaChannelPrefix,
        turn.session.conversationId,
        admission.ownerAsGiven,
        admission.message,
        titleFrom(admission.message),
      ),
    );
    const reply = new ScriptReply(raw);
    switch (reply.word) {
      case 'GRANTED':
        this.#seen(turn, reply);
        return { kind: 'granted', grant: this.#grant(turn, reply) };
      case 'QUEUED':
        this.#seen(turn, reply);
        return { kind: 'queued', position: reply.number(2), ahead: aheadOf(reply, 3) };
      case 'EXISTS':
        return { kind: 'exists', idempotencyValue: reply.text(1) };
      case 'BUSY':
        return { kind: 'busy', turnId: reply.text(1), position: reply.number(2) };
      case 'FULL':
        return { kind: 'full' };
      case 'LATE':
        return { kind: 'late' };
      case 'CORRUPT':
        throw corrupt(turn.session, 'history and metadata do not fit together');
      default:
        return reply.unexpected('admit-turn');
    }
  }

  async confirm(turn: TurnRef): Promise<boolean> {
    const now = this.#clock.nowMs();
    // Sent in one go; the caller hears of the turn only when both stand, so that its loss is noticed.
    const [answer] = await answered(
      Promise.all([
        this.#client.confirmTurn(
          1,
          this.#session(turn).turn(turn.turnId),
          this.#settings.replicaId,
          now + ADMISSION_MS,
        ),
        this.#running.add(turn, now + this.#settings.leaseMs),
      ]),
    );
    return answer === 'OK';
  }

  async open(turn: TurnRef): Promise<Opened> {
    const known = this.#cache.known(sessionTag(turn.session));
    const settings = this.#settings;
    this.#running.extend(turn, this.#clock.nowMs() + settings.leaseMs);
    const raw = await answered(
      this.#client.openTurn(
        8,
        ...this.#keysOf(turn),
        turn.turnId,
        settings.replicaId,
        sessionTag(turn.session),
        settings.sessionTtlMs,
        settings.leaseMs,
        known.epoch,
        known.count,
        HISTORY_TAIL,
        this.#keys.replicaChannelPrefix,
      ),
    );
    const reply = new ScriptReply(raw);
    switch (reply.word) {
      case 'GRANTED':
        this.#seen(turn, reply);
        return { kind: 'granted', grant: this.#openGrant(turn, reply) };
      case 'WAITING':
        this.#seen(turn, reply);
        return {
          kind: 'waiting',
          position: reply.number(2),
          ahead: aheadOf(reply, 3),
          lockTtlMs: reply.number(5),
        };
      case 'GONE':
        return { kind: 'gone' };
      case 'TAKEN':
        return { kind: 'taken' };
      case 'ENDED':
        return { kind: 'ended' };
      case 'CORRUPT':
        throw corrupt(turn.session, 'history and metadata do not fit together');
      default:
        return reply.unexpected('open-turn');
    }
  }

  async beat(turn: TurnRef, fence: string): Promise<Beat> {
    this.#running.extend(turn, this.#clock.nowMs() + this.#settings.leaseMs);
    const raw = await answered(
      this.#client.beatTurn(
        8,
        ...this.#keysOf(turn),
        turn.turnId,
        fence,
        this.#settings.sessionTtlMs,
        this.#settings.leaseMs,
      ),
    );
    this.#index.touch(turn.session, this.#clock.nowMs() + this.#settings.sessionTtlMs);
    return beatOf(new ScriptReply(raw));
  }

  async append(
    turn: TurnRef,
    fence: string,
    lastId: EventId,
    events: readonly TurnEvent[],
  ): Promise<'ok' | 'fenced'> {
    const keys = this.#session(turn);
    const raw = await answered(
      this.#client.appendLog(
        2,
        keys.turn(turn.turnId),
        keys.log(turn.turnId),
        fence,
        formatEventId(lastId),
        encodeBatch(events),
        keys.watch(turn.turnId),
      ),
    );
    return raw === 'OK' ? 'ok' : 'fenced';
  }

  async end(turn: TurnRef, fence: string, lockValue: string | null, ending: Ending): Promise<Ended> {
    const tag = sessionTag(turn.session);
    const place = ending.messageCountBefore;
    try {
      const raw = await answered(
        this.#client.endTurn(
          8,
          ...this.#keysOf(turn),
          turn.turnId,
          tag,
          fence,
          lockValue ?? '',
          this.#settings.sessionTtlMs,
          this.#settings.logTtlMs,
          ending.outcome,
          ending.overridesStop ? 1 : 0,
          this.#settings.maxMessages,
          place,
          formatEventId(ending.lastId),
          encodeBatch(ending.tail),
          this.#keys.replicaChannelPrefix,
          this.#session(turn).watch(turn.turnId),
          recordFields(ending.kept, ending.failure, {
            ...(ending.finishReason === null ? {} : { finish_reason: ending.finishReason }),
            ...(ending.usage === null ? {} : { usage: JSON.stringify(ending.usage) }),
          }),
          ...ending.messages.map((message) => encodeMessage(turn.session, turn.turnId, message)),
        ),
      );
      const ended = this.#ended(turn, ending, new ScriptReply(raw));
      if (ended.kind !== 'ok') this.#cache.drop(tag);
      return ended;
    } catch (error) {
      // Whether it was stored is not known here, so nothing this replica remembers of the session can be used.
      this.#cache.drop(tag);
      throw error;
    }
  }

  #ended(turn: TurnRef, ending: Ending, reply: ScriptReply): Ended {
    switch (reply.word) {
      case 'OK': {
        this.#seen(turn, reply);
        this.#running.remove(turn);
        if (ending.messages.length > 0) {
          const stored = ending.messages.map((message, index) => ({
            id: messageId(ending.messageCountBefore + index),
            turnId: turn.turnId,
            ...message,
          }));
          this.#cache.append(sessionTag(turn.session), ending.messageCountBefore, stored);
        }
        return { kind: 'ok', messageCount: reply.number(2) };
      }
      case 'STOPPED': {
        const stop = reply.text(1);
        return { kind: 'stopped', stop: isStopKind(stop) ? stop : 'cancel' };
      }
      case 'GONE':
        return { kind: 'gone' };
      case 'FENCED':
        return { kind: 'fenced' };
      case 'CORRUPT':
        return { kind: 'corrupt' };
      default:
        return reply.unexpected('end-turn');
    }
  }

  async withdraw(turn: TurnRef, ending: Withdrawal): Promise<Withdrawn> {
    const event: TurnEvent =
      ending.failure === null
        ? { type: 'cancelled', kept: false, messageCount: 0 }
        : { type: 'error', ...ending.failure };
    const raw = await answered(
      this.#client.withdrawTurn(
        8,
        ...this.#keysOf(turn),
        turn.turnId,
        sessionTag(turn.session),
        ending.outcome,
        this.#settings.logTtlMs,
        JSON.stringify(event),
        recordFields(false, ending.failure, {}),
        this.#keys.replicaChannelPrefix,
        this.#session(turn).watch(turn.turnId),
        ending.evenIfRunning ? this.#settings.replicaId : '',
        ending.failure?.code ?? 'cancelled',
      ),
    );
    const reply = new ScriptReply(raw);
    switch (reply.word) {
      case 'OK':
        this.#running.remove(turn);
        return { kind: 'ok' };
      case 'GONE':
        return { kind: 'gone' };
      case 'ENDED':
        return { kind: 'ended' };
      case 'RUNNING':
        return { kind: 'running' };
      default:
        return reply.unexpected('withdraw-turn');
    }
  }

  async stop(turn: TurnRef, kind: StopKind): Promise<'asked' | 'queued' | 'ended' | 'gone'> {
    const raw = await answered(
      this.#client.stopTurn(
        6,
        ...this.#keysOf(turn).slice(0, 6),
        turn.turnId,
        sessionTag(turn.session),
        kind,
        this.#keys.replicaChannelPrefix,
      ),
    );
    const reply = new ScriptReply(raw);
    switch (reply.word) {
      case 'ASKED':
        return 'asked';
      case 'QUEUED':
        return 'queued';
      case 'ENDED':
        return 'ended';
      case 'GONE':
        return 'gone';
      default:
        return reply.unexpected('stop-turn');
    }
  }

  async claim(turn: TurnRef, mode: 'dead' | 'seize'): Promise<Claimed> {
    const known = this.#cache.known(sessionTag(turn.session));
    const settings = this.#settings;
    const raw = await answered(
      this.#client.claimTurn(
        8,
        ...this.#keysOf(turn),
        turn.turnId,
        settings.replicaId,
        sessionTag(turn.session),
        settings.sessionTtlMs,
        settings.leaseMs,
        settings.maxAttempts,
        mode,
        known.epoch,
        known.count,
        HISTORY_TAIL,
        this.#keys.replicaChannelPrefix,
        this.#session(turn).watch(turn.turnId),
      ),
    );
    const reply = new ScriptReply(raw);
    const leaseEndMs = this.#clock.nowMs() + settings.leaseMs;
    switch (reply.word) {
      case 'GRANTED':
        this.#running.extend(turn, leaseEndMs);
        return { kind: 'granted', grant: this.#openGrant(turn, reply) };
      case 'ADOPTED':
        this.#running.extend(turn, leaseEndMs);
        return { kind: 'adopted', isConfirmed: reply.number(1) === 1 };
      case 'SEIZED': {
        this.#running.extend(turn, leaseEndMs);
        const [why, stop] = [reply.text(1), reply.text(2)];
        return {
          kind: 'seized',
          why: why === 'exhausted' || why === 'unconfirmed' ? why : 'stopped',
          stop: isStopKind(stop) ? stop : 'cancel',
          fence: reply.text(3),
          attempt: reply.number(4),
          messageCount: reply.number(5),
        };
      }
      case 'ALIVE':
        this.#running.extend(turn, reply.number(1));
        return { kind: 'alive', untilMs: reply.number(1) };
      case 'GONE':
        this.#running.remove(turn);
        return { kind: 'gone' };
      case 'ENDED':
        this.#running.remove(turn);
        return { kind: 'ended' };
      default:
        return reply.unexpected('claim-turn');
    }
  }

  async release(turn: TurnRef, lockValue: string | null): Promise<void> {
    await answered(
      this.#client.releaseTurn(
        6,
        ...this.#keysOf(turn).slice(0, 6),
        turn.turnId,
        this.#settings.replicaId,
        lockValue ?? '',
      ),
    );
    await answered(this.#running.expire(turn));
  }

  find(session: SessionRef, turnId: string): Promise<StoredTurn | null> {
    return findTurn(this.#client, this.#keys, session, turnId);
  }

  suspect(session: SessionRef, turnId: string): Promise<void> {
    const graceMs = this.#settings.leaseMs;
    return answered(this.#running.suspect({ session, turnId }, this.#clock.nowMs() + graceMs));
  }

  overdue(limit: number): Promise<readonly TurnPlace[]> {
    return answered(this.#running.overdue(this.#clock.nowMs(), limit));
  }

  async forget(place: TurnPlace): Promise<void> {
    this.#running.remove(place);
  }

  #session(turn: TurnPlace): SessionKeys {
    return this.#keys.session(turn.session);
  }

  /** KEYS 1 to 8 of every script of a turn. */
  #keysOf(turn: TurnRef): string[] {
    const keys = this.#session(turn);
    return [
      keys.meta,
      keys.messages,
      keys.queue,
      keys.turns,
      keys.lock,
      keys.turn(turn.turnId),
      keys.log(turn.turnId),
      keys.idempotency(turn.idempotencyHash),
    ];
  }

  /** Part 1 of most replies is Redis' time; the session just got a new end. */
  #seen(turn: TurnRef, reply: ScriptReply): void {
    this.#clock.learn(reply.number(1));
    this.#index.touch(turn.session, reply.number(1) + this.#settings.sessionTtlMs);
  }

  #grant(turn: TurnRef, reply: ScriptReply) {
    const grant = grantOf(turn.session, reply);
    return { ...grant, history: this.#cache.merge(sessionTag(turn.session), grant.history) };
  }

  #openGrant(turn: TurnRef, reply: ScriptReply): OpenGrant {
    return { ...this.#grant(turn, reply), userMessages: reply.texts(9) };
  }
}

/** Fields that an end adds to the record; all are strings, as a hash holds them. */
function recordFields(kept: boolean, failure: TurnFailure | null, more: Record<string, string>): string {
  return JSON.stringify({
    kept: kept ? '1' : '0',
    ...(failure === null ? {} : { error: JSON.stringify(failure) }),
    ...more,
  });
}
