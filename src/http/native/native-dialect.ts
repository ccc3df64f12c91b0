import {
  BEFORE_ALL,
  type EventId,
  eventToJson,
  formatEventId,
  type PlacedEvent,
  parseEventId,
} from '../../conversation/events.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import { ERRORS, type ErrorCode, TurnwiseError } from '../../errors.ts';
import type { Dialect } from '../door/dialect.ts';
import { sseFrame } from '../door/sse-sink.ts';
import { streamUrl } from './wire.ts';

/** Our own protocol: the canonical events unchanged, as server-sent events; docs/protocol.md. */
export const NATIVE: Dialect = {
  door: 'native',
  shows: 'as-said',
  onDisconnect: null,
  errors: ERRORS,
  errorBody(error, requestId) {
    return {
      error: {
        code: error.code,
        message: error.message,
        request_id: requestId,
        ...error.details,
        ...whereToRead(error),
      },
    };
  },
  frames(turn, has) {
    return {
      after: placeIn(has),
      of: (placed) => framesOf(turn, placed),
      // It ends without a terminal event, so the client resumes.
      cut: () => [],
    };
  },
};

/** Events that are shown without the ids of their turn. */
const WITHOUT_IDS: ReadonlySet<PlacedEvent['event']['type']> = new Set([
  'delta',
  'reasoning',
  'tool_call',
  'tool_result',
]);

/** An event is handed to all readers of its turn one after the other: it is rendered for the first of them. */
let rendered: { readonly placed: PlacedEvent; readonly frames: readonly string[] } | null = null;

function framesOf(turn: TurnRef, placed: PlacedEvent): readonly string[] {
  if (rendered?.placed !== placed) rendered = { placed, frames: [frameOf(turn, placed)] };
  return rendered.frames;
}

function frameOf(turn: TurnRef, { id, event }: PlacedEvent): string {
  const { type, ...data } = eventToJson(event);
  const ids = WITHOUT_IDS.has(type) ? {} : { turn_id: turn.turnId, session_id: turn.session.conversationId };
  return sseFrame({ id: formatEventId(id), event: type, data: JSON.stringify({ ...ids, ...data }) });
}

/** @throws invalid_request */
export function placeIn(has: string | null): EventId {
  // Empty is what some clients send before their first event.
  if (has === null || has === '') return BEFORE_ALL;
  const place = parseEventId(has);
  if (place === null)
    throw new TurnwiseError('invalid_request', { message: 'Last-Event-ID is not an event id' });
  return place;
}

/** The turn goes on, or may: a program can act on where to read it. */
const READ_ELSEWHERE: ReadonlySet<ErrorCode> = new Set(['session_busy', 'draining', 'commit_unknown']);

function whereToRead({ code, details }: TurnwiseError): { readonly stream_url?: string } {
  const { turn_id: turnId, session_id: sessionId } = details;
  if (!READ_ELSEWHERE.has(code) || typeof turnId !== 'string' || typeof sessionId !== 'string') return {};
  return { stream_url: streamUrl(sessionId, turnId) };
}
