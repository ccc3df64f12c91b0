import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { sessionOf } from '../../conversation/caller.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import { callerOf } from '../callers.ts';
import { announce } from '../door/admit.ts';
import type { Readers } from '../door/readers.ts';
import { SseSink } from '../door/sse-sink.ts';
import { streamTurn } from '../door/stream-turn.ts';
import type { HttpDeps } from '../http-deps.ts';
import { errorReplies } from './error-schemas.ts';
import { NATIVE } from './native-dialect.ts';
import { EventStream, NoContent, ResumeHeaders, ResumeQuery, Turn, TurnParams } from './schemas.ts';
import { turnToJson } from './wire.ts';

const ONE_TURN = ['turn_not_found', 'corrupt_session'] as const;

/** `/api/sessions/{id}/turns/{turn_id}`: look up a turn, read or resume its events, cancel it. */
export function turnRoutes(deps: HttpDeps, readers: Readers): FastifyPluginAsyncTypebox {
  const { conversations } = deps;
  return async (app) => {
    app.get(
      '/api/sessions/:id/turns/:turn_id',
      {
        schema: {
          summary: 'One turn',
          tags: ['turns'],
          params: TurnParams,
          response: { 200: Turn, ...errorReplies(...ONE_TURN) },
        },
      },
      async (request) => turnToJson(await conversations.find(turnOf(request, request.params))),
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
          response: { 200: EventStream, 204: NoContent, ...errorReplies('overloaded', ...ONE_TURN) },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const sink = new SseSink(reply);
          const turn = turnOf(request, request.params);
          const frames = NATIVE.frames(
            turn,
            request.headers['last-event-id'] || request.query.lastEventId || null,
          );
          if (await conversations.hasAll(turn, frames.after)) return reply.code(204).send(null);
          announce(reply, turn);
          return await streamTurn(deps, readers, NATIVE, conversations.source(turn), frames, sink);
        } finally {
          leave();
        }
      },
    );

    // Only the head: the stream itself would hold the connection, and a reader's place, until the turn ends.
    app.head(
      '/api/sessions/:id/turns/:turn_id/stream',
      { schema: { hide: true, params: TurnParams, querystring: ResumeQuery, headers: ResumeHeaders } },
      async (request, reply) => {
        const turn = turnOf(request, request.params);
        const { after } = NATIVE.frames(
          turn,
          request.headers['last-event-id'] || request.query.lastEventId || null,
        );
        if (await conversations.hasAll(turn, after)) return reply.code(204).send(null);
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
          response: { 200: Turn, ...errorReplies('storage_full', ...ONE_TURN) },
        },
      },
      async (request) => turnToJson(await conversations.cancel(turnOf(request, request.params))),
    );
  };
}

function turnOf(request: FastifyRequest, params: TurnParams): TurnRef {
  return { session: sessionOf(callerOf(request), params.id), turnId: params.turn_id };
}
