import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { cancelTurn } from '../../conversation/cancel-turn.ts';
import { BEFORE_ALL, type EventId, parseEventId } from '../../conversation/events.ts';
import { hasAllEvents } from '../../conversation/follow-turn.ts';
import type { StoredTurn } from '../../conversation/ports.ts';
import type { TurnRecord } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import { clientLeft } from '../client-left.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ErrorReply, EventStream, NoContent, ResumeHeaders, Turn, TurnParams } from '../schemas.ts';
import { SseSink } from '../sse-sink.ts';
import { wireUsage } from '../turn-frames.ts';
import { type Readers, streamTurn } from '../turn-stream.ts';
import { sessionOf, wireTime } from './sessions.ts';

const errors = { '4xx': ErrorReply, '5xx': ErrorReply };

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
          response: { 200: Turn, ...errors },
        },
      },
      async (request) => wireTurn((await mustFind(deps, request.params)).record),
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
          response: { 200: EventStream, 204: NoContent, ...errors },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const sink = new SseSink(reply, clientLeft(reply));
          const after = placeAfter(request.headers['last-event-id']);
          const stored = await mustFind(deps, request.params);
          const { id, turn_id } = request.params;
          const turn = { session: sessionOf(id), turnId: turn_id, idempotencyHash: stored.idempotencyHash };
          if (await hasAllEvents(deps.turns, turn, stored.record, after)) return reply.code(204).send(null);
          reply.header('x-session-id', id);
          reply.header('x-turn-id', turn_id);
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
          response: { 200: Turn, ...errors },
        },
      },
      async (request) => {
        const { id, turn_id } = request.params;
        return wireTurn(await cancelTurn(deps.turns, { session: sessionOf(id), turnId: turn_id }));
      },
    );
  };
}

async function mustFind(deps: HttpDeps, params: TurnParams): Promise<StoredTurn> {
  const stored = await deps.turns.store.find(sessionOf(params.id), params.turn_id);
  if (stored === null) throw new TurnwiseError('turn_not_found');
  return stored;
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
