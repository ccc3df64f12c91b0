import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { cancelTurn } from '../../conversation/cancel-turn.ts';
import { mustFindTurn } from '../../conversation/find-turn.ts';
import type { TurnPlace } from '../../conversation/ports.ts';
import type { TurnRecord } from '../../conversation/turn.ts';
import { announce } from '../announce.ts';
import { clientLeft } from '../client-left.ts';
import type { HttpDeps } from '../http-deps.ts';
import { placeAfter, turnToRead } from '../resume.ts';
import {
  ERROR_REPLIES,
  EventStream,
  NoContent,
  ResumeHeaders,
  ResumeQuery,
  Turn,
  TurnParams,
} from '../schemas.ts';
import { SseSink } from '../sse-sink.ts';
import { type Readers, streamTurn } from '../turn-stream.ts';
import { sessionOf, wireFailure, wireTime, wireUsage } from '../wire.ts';

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
        exposeHeadRoute: false,
        schema: {
          summary: "A turn's events, from any replica: those after Last-Event-ID, else all",
          description: '204 when the client already has the last one.',
          tags: ['turns'],
          params: TurnParams,
          querystring: ResumeQuery,
          headers: ResumeHeaders,
          response: { 200: EventStream, 204: NoContent, ...ERROR_REPLIES },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const sink = new SseSink(reply, clientLeft(reply));
          const after = placeAfter(request.headers['last-event-id'], request.query.lastEventId);
          const turn = await turnToRead(deps.turns, placeOf(request.params), after);
          if (turn === null) return reply.code(204).send(null);
          announce(reply, turn);
          return await streamTurn(deps.turns, readers, sink, turn, after);
        } finally {
          leave();
        }
      },
    );

    // The head alone, at once: the stream itself would hold the connection, and a place of a reader, until the turn ends.
    app.head(
      '/api/sessions/:id/turns/:turn_id/stream',
      { schema: { hide: true, params: TurnParams, querystring: ResumeQuery, headers: ResumeHeaders } },
      async (request, reply) => {
        const after = placeAfter(request.headers['last-event-id'], request.query.lastEventId);
        const turn = await turnToRead(deps.turns, placeOf(request.params), after);
        if (turn === null) return reply.code(204).send(null);
        announce(reply, turn);
        return reply.type('text/event-stream').header('cache-control', 'no-cache').send(null);
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
    error: record.failure && wireFailure(record.failure),
    created_at: wireTime(record.createdAtMs),
    started_at: time(record.startedAtMs),
    ended_at: time(record.endedAtMs),
  };
}
