import type { TurnDeps } from '../conversation/deps.ts';
import { BEFORE_ALL } from '../conversation/events.ts';
import { followTurn } from '../conversation/follow-turn.ts';
import type { TurnRef } from '../conversation/ports.ts';
import { type ErrorCode, TurnwiseError } from '../errors.ts';
import type { ChatReply } from './schemas.ts';
import { streamUrl, wireFailure, wireUsage } from './wire.ts';

/** This replica can say no more of the turn, but another one may. */
const MAY_GO_ON: ReadonlySet<ErrorCode> = new Set(['draining', 'commit_unknown']);

/**
 * Reads a turn to its end and answers with the whole.
 *
 * @returns null when the client has left
 *
 * @throws what ended the turn, with its ids; draining and commit_unknown with the place where it may be read on
 */
export async function collectReply(
  deps: TurnDeps,
  turn: TurnRef,
  signal: AbortSignal,
): Promise<ChatReply | null> {
  const ids = { turn_id: turn.turnId, session_id: turn.session.conversationId };
  let text: string[] = [];
  try {
    for await (const events of followTurn(deps, turn, BEFORE_ALL, signal)) {
      for (const { event } of events) {
        if (event.type === 'delta') text.push(event.content);
        if (event.type === 'restarted') text = [];
        if (event.type === 'error') {
          const { code, message, retryable: _, ...more } = wireFailure(event);
          throw new TurnwiseError(code, { message, details: { ...ids, ...more } });
        }
        if (event.type === 'done') {
          const { finishReason: finish_reason, messageCount: message_count } = event;
          return {
            reply: text.join(''),
            ...ids,
            message_count,
            finish_reason,
            usage: wireUsage(event.usage),
          };
        }
        if (event.type === 'cancelled') {
          const message_count = event.messageCount;
          return { reply: text.join(''), ...ids, message_count, finish_reason: 'cancelled', usage: null };
        }
      }
    }
  } catch (error) {
    if (!(error instanceof TurnwiseError) || !MAY_GO_ON.has(error.code)) throw error;
    const stream_url = streamUrl(turn.session.conversationId, turn.turnId);
    throw new TurnwiseError(error.code, { cause: error, details: { ...ids, stream_url } });
  }
  return null;
}
