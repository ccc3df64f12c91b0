import { formatEventId, type PlacedEvent, type TurnEvent } from '../conversation/events.ts';
import type { TurnRef } from '../conversation/ports.ts';
import { assertNever } from '../errors.ts';
import type { SseFrame } from './sse-sink.ts';
import { wireFailure, wireUsage } from './wire.ts';

/** An event in the native dialect. */
export function frameOf(turn: TurnRef, placed: PlacedEvent): SseFrame {
  return { id: formatEventId(placed.id), event: placed.event.type, data: dataOf(turn, placed.event) };
}

function dataOf(turn: TurnRef, event: TurnEvent): object {
  const place = { turn_id: turn.turnId, session_id: turn.session.conversationId };
  switch (event.type) {
    case 'queued':
      return { ...place, position: event.position };
    case 'started':
    case 'restarted':
      return { ...place, attempt: event.attempt };
    case 'delta':
      return { content: event.content };
    case 'done':
      return {
        ...place,
        finish_reason: event.finishReason,
        usage: wireUsage(event.usage),
        message_count: event.messageCount,
      };
    case 'cancelled':
      return { ...place, kept: event.kept, message_count: event.messageCount };
    case 'error':
      return { ...wireFailure(event), ...place };
    default:
      return assertNever(event);
  }
}
