import { type EventId, formatEventId, type TurnEvent } from '../../conversation/events.ts';
import type { Part } from '../../conversation/parts.ts';
import type {
  Beat,
  Ended,
  Ending,
  StopAsked,
  StoredTurn,
  TurnStore,
} from '../../conversation/ports/turns.ts';
import { type Message, messageId, type SessionRef } from '../../conversation/session.ts';
import { isStopKind, type StopKind, type TurnRef } from '../../conversation/turn.ts';
import { sessionTag } from '../keys.ts';
import { SCRIPTS } from '../scripts.ts';
import { encodeMessage } from '../sessions/message-codec.ts';
import { encodeBatch, encodeBatches } from './event-codec.ts';
import { encodeFailure, encodeUsage } from './turn-codec.ts';
import type { TurnContext } from './turn-context.ts';
import { activeTurn, findTurn, readReply } from './turn-lookup.ts';

/** The life of a running turn: its lease, its log, its end. */
export class RedisTurnStore implements TurnStore {
  readonly #context: TurnContext;

  constructor(context: TurnContext) {
    this.#context = context;
  }

  async beat(turn: TurnRef, fence: string): Promise<Beat> {
    const { clock, index, running, settings } = this.#context;
    running.extend(turn, clock.nowMs() + settings.leaseMs);
    const reply = await this.#context.run(SCRIPTS.beatTurn, turn, () => ({
      turn_id: turn.turnId,
      fence,
      session_ttl_ms: settings.sessionTtlMs,
      lease_ms: settings.leaseMs,
    }));
    switch (reply.word) {
      case 'OK':
        // Only while it exists: a deleted session must not come back into the index.
        index.touch(turn.session, clock.nowMs() + settings.sessionTtlMs);
        return { kind: 'ok', stop: isStopKind(reply.stop) ? reply.stop : null };
      case 'GONE':
        return { kind: 'gone' };
      case 'FENCED':
        return { kind: 'fenced' };
      case 'ENDED':
        return { kind: 'ended' };
    }
  }

  async freeLock(turn: TurnRef, fence: string): Promise<'ok' | 'fenced'> {
    const { meta, lock } = this.#context.sessionKeys(turn);
    const { word } = await SCRIPTS.freeLock.run(
      this.#context.client,
      { meta, lock },
      { turn_id: turn.turnId, fence },
    );
    return word === 'OK' ? 'ok' : 'fenced';
  }

  async append(
    turn: TurnRef,
    holder: string,
    lastId: EventId,
    events: readonly TurnEvent[],
    saidLength: number,
  ): Promise<'ok' | 'fenced' | 'no-room'> {
    const keys = this.#context.sessionKeys(turn);
    const batch = encodeBatch(events);
    const sent = this.#context.gates.of(keys.meta).passNow(Buffer.byteLength(batch), () =>
      SCRIPTS.appendLog.run(
        this.#context.client,
        { turn: keys.turn(turn.turnId), log: keys.log(turn.turnId) },
        {
          holder,
          last_id: formatEventId(lastId),
          events: batch,
          said_length: saidLength,
          watch_channel: keys.watch(turn.turnId),
        },
      ),
    );
    if (sent === null) return 'no-room';
    return (await sent).word === 'OK' ? 'ok' : 'fenced';
  }

  async end(turn: TurnRef, fence: string, lockValue: () => string | null, ending: Ending): Promise<Ended> {
    const { cache, keys, settings } = this.#context;
    const { meta, watch } = keys.session(turn.session);
    const tag = sessionTag(turn.session);
    const batches = encodeBatches(ending.tail, ending.lastId);
    const messages = ending.messages.map(
      ({ number, ...message }): Message => ({
        ...message,
        id: messageId(fence, number),
        turnId: turn.turnId,
      }),
    );
    const { edits = [], begin = [], lastId = '' } = ending.change ?? {};
    const encode = (message: Message) => encodeMessage(turn.session, message);
    const changed = edits.flatMap(({ place, message }) => [
      String(place),
      message === null ? '' : encode(message),
    ]);
    const texts = [...begin, ...messages].map(encode);
    const values = [...changed, ...batches.flat(), ...texts];
    const bytes = values.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const send = () =>
      this.#context.run(SCRIPTS.endTurn, turn, () => ({
        turn_id: turn.turnId,
        session: tag,
        fence,
        lock_value: lockValue() ?? '',
        session_ttl_ms: settings.sessionTtlMs,
        log_ttl_ms: settings.logTtlMs,
        outcome: ending.outcome,
        heeds: ending.heeds ?? '',
        most_messages: settings.maxMessages,
        count_before: ending.messageCountBefore,
        channels: keys.replicaChannelPrefix,
        watch_channel: watch(turn.turnId),
        last_message: messages.at(-1)?.id ?? lastId,
        kept: messages.length > 0 ? '1' : '0',
        finish_reason: ending.finishReason ?? '',
        usage: encodeUsage(ending.usage),
        failure: encodeFailure(ending.failure),
        edit_count: edits.length,
        batch_count: batches.length,
        begin_count: begin.length,
        values,
      }));
    try {
      const reply = await this.#context.gates.of(meta).pass(bytes, send);
      if (reply.word !== 'OK') cache.drop(tag);
      switch (reply.word) {
        case 'OK':
          this.#context.prolonged(turn, reply.now_ms);
          this.#context.forget(turn);
          if (ending.change !== null) cache.drop(tag);
          else if (messages.length > 0) cache.append(tag, ending.messageCountBefore, messages);
          return { kind: 'ok', messageCount: reply.count };
        case 'STOPPED':
          return { kind: 'stopped', stop: isStopKind(reply.stop) ? reply.stop : 'cancel' };
        case 'GONE':
          return { kind: 'gone' };
        case 'FENCED':
          return { kind: 'fenced' };
        case 'LOCKED':
          return { kind: 'locked' };
        case 'CORRUPT':
          return { kind: 'corrupt' };
      }
    } catch (error) {
      // Whether it was stored is not known here, so nothing that this replica has cached of the session can be used.
      cache.drop(tag);
      throw error;
    }
  }

  async stop(turn: TurnRef, kind: StopKind, when: 'always' | 'if-unread' = 'always'): Promise<StopAsked> {
    const { client, keys } = this.#context;
    const reply = await SCRIPTS.stopTurn.run(client, this.#context.keysOf(turn, []), {
      turn_id: turn.turnId,
      session: sessionTag(turn.session),
      kind,
      channels: keys.replicaChannelPrefix,
      only_if_unread: when === 'if-unread' ? 1 : 0,
    });
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
    }
  }

  active(session: SessionRef): Promise<TurnRef | null> {
    return activeTurn(this.#context.client, this.#context.keys, session);
  }

  find(turn: TurnRef): Promise<StoredTurn | null> {
    return findTurn(this.#context.client, this.#context.keys, turn);
  }

  reply(turn: TurnRef, stored: StoredTurn): Promise<readonly Part[] | null> {
    return readReply(this.#context.client, this.#context.keys, turn, stored);
  }
}
