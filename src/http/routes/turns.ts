import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { cancelTurn } from '../../conversation/cancel-turn.ts';
import { BEFORE_ALL, type EventId, parseEventId } from '../../conversation/events.ts';
import { mustFindTurn } from '../../conversation/find-turn.ts';
import { hasAllEvents } from '../../conversation/follow-turn.ts';
import type { TurnPlace, TurnRef } from '../../conversation/ports.ts';
import type { TurnRecord } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import { clientLeft } from '../client-left.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ERROR_REPLIES, EventStream, NoContent, ResumeHeaders, Turn, TurnParams } from '../schemas.ts';
import { SseSink } from '../sse-sink.ts';
import { type Readers, streamTurn } from '../turn-stream.ts';
import { sessionOf, wireTime, wireUsage } from '../wire.ts';

/** `/api/sessions/{id}/turns/{turn_id}`: look a turn up, read its events again or on, cancel it. */
export function turnRoutes(deps: HttpDeps, readers: Readers): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/api/sessions/:id/turns/:turn_id',
      {
        schema: {
          summary: 'One turn',
          tags: ['turns'],
          params: TurnParams,
          response: { 200: Turn, ...ERROR_REPLIES },
        },
      },
      async (request) => wireTurn((await mustFindTurn(deps.turns, placeOf(request.params))).record),
    );

    app.get(
      '/api/sessions/:id/turns/:turn_id/stream',
      {
        sse: 'manual',
        schema: {
          summary: "A turn's events, from any replica: those after Last-Event-ID, else all",
          description: '204 when the client already has the last one.',
          tags: ['turns'],
          params: TurnParams,
          headers: ResumeHeaders,
          response: { 200: EventStream, 204: NoContent, ...ERROR_REPLIES },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const sink = new SseSink(reply, clientLeft(reply));
          const after = placeAfter(request.headers['last-event-id']);
          const turn = await turnToRead(deps, placeOf(request.params), after);
          if (turn === null) return reply.code(204).send(null);
          reply.header('x-session-id', turn.session.conversationId);
          reply.header('x-turn-id', turn.turnId);
          return await streamTurn(deps.turns, readers, sink, turn, after);
        } finally {
          leave();
        }
      },
    );

    app.post(
      '/api/sessions/:id/turns/:turn_id/cancel',
      {
        schema: {
          summary: 'Stop a turn; answered once it has ended',
          tags: ['turns'],
          params: TurnParams,
          response: { 200: Turn, ...ERROR_REPLIES },
        },
      },
      async (request) => wireTurn(await cancelTurn(deps.turns, placeOf(request.params))),
    );
  };
}

function placeOf(params: TurnParams): TurnPlace {
  return { session: sessionOf(params.id), turnId: params.turn_id };
}

/**
 * By itself, because a record holds the whole answer, and would be held as long as its reader reads.
 *
 * @returns null when the reader has all of it
 */
async function turnToRead(deps: HttpDeps, place: TurnPlace, after: EventId): Promise<TurnRef | null> {
  const { record, idempotencyHashes } = await mustFindTurn(deps.turns, place);
  const turn = { ...place, idempotencyHashes };
  return (await hasAllEvents(deps.turns, turn, record, after)) ? null : turn;
}

function placeAfter(header: string | undefined): EventId {
  if (header === undefined) return BEFORE_ALL;
  const place = parseEventId(header);
  if (place === null)
    throw new TurnwiseError('invalid_request', { message: 'Last-Event-ID is not an event id' });
  return place;
}

function wireTurn(record: TurnRecord): Turn {
  const time = (ms: number | null) => (ms === null ? null : wireTime(ms));
  return {
    turn_id: record.turnId,
    session_id: record.conversationId,
    status: record.status,
    attempt: record.attempt,
    position: record.position,
    reply: record.reply,
    kept: record.kept,
    finish_reason: record.finishReason,
    usage: wireUsage(record.usage),
    error: record.failure,
    created_at: wireTime(record.createdAtMs),
    started_at: time(record.startedAtMs),
    ended_at: time(record.endedAtMs),
  };
}
