import { type EventId, formatEventId, type TurnEvent } from '../conversation/events.ts';
import type { Beat, Ended, Ending, StoredTurn, TurnRef, TurnStore } from '../conversation/ports.ts';
import type { SessionRef } from '../conversation/session.ts';
import { isStopKind, type StopKind } from '../conversation/turn.ts';
import { BulkGates } from './bulk-gates.ts';
import { encodeBatch } from './event-codec.ts';
import { answered } from './failures.ts';
import { sessionTag } from './keys.ts';
import { encodeMessage, messageId } from './message-codec.ts';
import { beatOf, ScriptReply } from './replies.ts';
import { recordFields, type TurnContext } from './turn-context.ts';
import { findTurn } from './turn-lookup.ts';

/** The life of a turn that runs: its lease, its log, its end. */
export class RedisTurnStore implements TurnStore {
  readonly #context: TurnContext;
  readonly #gates: BulkGates;

  constructor(context: TurnContext) {
    this.#context = context;
    this.#gates = new BulkGates(context.client);
  }

  async beat(turn: TurnRef, fence: string): Promise<Beat> {
    this.#context.running.extend(turn, this.#context.clock.nowMs() + this.#context.settings.leaseMs);
    const raw = await answered(
      this.#context.client.beatTurn(
        ...this.#context.keysOf(turn),
        turn.turnId,
        fence,
        this.#context.settings.sessionTtlMs,
        this.#context.settings.leaseMs,
      ),
    );
    const beat = beatOf(new ScriptReply(raw));
    // Only while it is there: a deleted session must not come back into the index.
    if (beat.kind === 'ok') {
      const { clock, index, settings } = this.#context;
      index.touch(turn.session, clock.nowMs() + settings.sessionTtlMs);
    }
    return beat;
  }

  async freeLock(turn: TurnRef, fence: string): Promise<'ok' | 'fenced'> {
    const { meta, lock } = this.#context.sessionKeys(turn);
    const word = await answered(this.#context.client.freeLock(2, meta, lock, turn.turnId, fence));
    return word === 'OK' ? 'ok' : 'fenced';
  }

  async append(
    turn: TurnRef,
    fence: string,
    lastId: EventId,
    events: readonly TurnEvent[],
    saidLength: number,
  ): Promise<'ok' | 'fenced' | 'no-room'> {
    const keys = this.#context.sessionKeys(turn);
    const batch = encodeBatch(events);
    const sent = this.#gates
      .of(keys.meta)
      .passNow(Buffer.byteLength(batch), () =>
        answered(
          this.#context.client.appendLog(
            2,
            keys.turn(turn.turnId),
            keys.log(turn.turnId),
            fence,
            formatEventId(lastId),
            batch,
            keys.watch(turn.turnId),
            saidLength,
          ),
        ),
      );
    if (sent === null) return 'no-room';
    return (await sent) === 'OK' ? 'ok' : 'fenced';
  }

  async end(turn: TurnRef, fence: string, lockValue: () => string | null, ending: Ending): Promise<Ended> {
    const tag = sessionTag(turn.session);
    const tail = encodeBatch(ending.tail);
    const messages = ending.messages.map((one) => encodeMessage(turn.session, turn.turnId, fence, one));
    const bytes = [tail, ...messages].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const send = () =>
      this.#context.client.endTurn(
        ...this.#context.keysOf(turn),
        turn.turnId,
        tag,
        fence,
        lockValue() ?? '',
        this.#context.settings.sessionTtlMs,
        this.#context.settings.logTtlMs,
        ending.outcome,
        ending.heeds ?? '',
        this.#context.settings.maxMessages,
        ending.messageCountBefore,
        formatEventId(ending.lastId),
        tail,
        this.#context.keys.replicaChannelPrefix,
        this.#context.sessionKeys(turn).watch(turn.turnId),
        recordFields(ending.kept, ending.failure, {
          ...(ending.finishReason === null ? {} : { finish_reason: ending.finishReason }),
          ...(ending.usage === null ? {} : { usage: JSON.stringify(ending.usage) }),
        }),
        ...messages,
      );
    try {
      const raw = await this.#gates
        .of(this.#context.sessionKeys(turn).meta)
        .pass(bytes, () => answered(send()));
      const ended = this.#ended(turn, fence, ending, new ScriptReply(raw));
      if (ended.kind !== 'ok') this.#context.cache.drop(tag);
      return ended;
    } catch (error) {
      // Whether it was stored is not known here, so nothing this replica remembers of the session can be used.
      this.#context.cache.drop(tag);
      throw error;
    }
  }

  #ended(turn: TurnRef, fence: string, ending: Ending, reply: ScriptReply): Ended {
    switch (reply.word) {
      case 'OK': {
        this.#context.seen(turn, reply);
        this.#context.running.remove(turn);
        if (ending.messages.length > 0) {
          const stored = ending.messages.map((message, index) => ({
            id: messageId(ending.messageCountBefore + index),
            turnId: turn.turnId,
            fence,
            ...message,
          }));
          this.#context.cache.append(sessionTag(turn.session), ending.messageCountBefore, stored);
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
      case 'LOCKED':
        return { kind: 'locked' };
      case 'CORRUPT':
        return { kind: 'corrupt' };
      default:
        return reply.unexpected('end-turn');
    }
  }

  async stop(
    turn: TurnRef,
    kind: StopKind,
    when: 'always' | 'if-unread' = 'always',
  ): Promise<'asked' | 'queued' | 'ended' | 'gone' | 'read'> {
    const raw = await answered(
      this.#context.client.stopTurn(
        6,
        ...this.#context.keysOfRecord(turn),
        turn.turnId,
        sessionTag(turn.session),
        kind,
        this.#context.keys.replicaChannelPrefix,
        when === 'if-unread' ? 1 : 0,
      ),
    );
    const reply = new ScriptReply(raw);
    switch (reply.word) {
      case 'READ':
        return 'read';
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

  find(session: SessionRef, turnId: string): Promise<StoredTurn | null> {
    return findTurn(this.#context.client, this.#context.keys, session, turnId);
  }
}
