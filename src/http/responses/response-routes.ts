import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { TurnSource } from '../../conversation/read/turn-source.ts';
import { hasEnded } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import { callerOf } from '../callers.ts';
import { clientLeft } from '../client-left.ts';
import { announce } from '../door/admit.ts';
import { errorOf } from '../door/collect-turn.ts';
import { ADMISSION_ERRORS, ANSWER_ERRORS } from '../door/error-codes.ts';
import type { Readers } from '../door/readers.ts';
import { SseSink } from '../door/sse-sink.ts';
import { streamTurn } from '../door/stream-turn.ts';
import type { HttpDeps } from '../http-deps.ts';
import { beginResponse } from './begin-response.ts';
import { collectResponse, idsOf } from './collect-response.ts';
import { responseErrors } from './error-schemas.ts';
import { findResponse, responseNow, unfinished } from './find-response.ts';
import { readQuery } from './query.ts';
import { ResponseObject, ResponseOrStream } from './reply-schemas.ts';
import { CreateHeaders, CreateResponse, ResponseParams, RetrieveQuery } from './request-schemas.ts';
import { responseFrames } from './response-frames.ts';
import { type ResponseHead, responseToJson } from './response-object.ts';
import { RESPONSES } from './responses-dialect.ts';

/** `/v1/responses`: ask for a response, look it up, read it again as a stream, cancel it. */
export function responseRoutes(deps: HttpDeps, readers: Readers): FastifyPluginAsyncTypebox {
  const { conversations } = deps;
  return async (app) => {
    app.post(
      '/v1/responses',
      {
        sse: 'manual',
        schema: {
          summary: 'Ask for a response',
          description:
            'Whole, as a stream, or in the background: then the reply comes at once, and is to be retrieved.',
          tags: ['responses'],
          headers: CreateHeaders,
          body: CreateResponse,
          response: {
            200: ResponseOrStream,
            ...responseErrors(
              [...ADMISSION_ERRORS, ...ANSWER_ERRORS, 'session_not_found'],
              ['previous_response_not_found'],
            ),
          },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const sink = new SseSink(reply, 'at-first-frame');
          const begun = await beginResponse(deps, request, request.body);
          const { source, head } = begun;
          if (begun.isStored) announce(reply, source.turn);
          if (begun.isStream) {
            const frames = responseFrames(head, { failsAs: head.echo.background ? 'frames' : 'status' });
            return await streamTurn(deps, readers, RESPONSES, source, frames, sink);
          }
          if (head.echo.background) return responseToJson(head, unfinished('queued'));
          return (await wholeResponse(source, head, clientLeft(reply))) ?? reply.hijack();
        } finally {
          leave();
        }
      },
    );

    app.get(
      '/v1/responses/:response_id',
      {
        sse: 'manual',
        exposeHeadRoute: false,
        schema: {
          summary: 'A response, or its stream from the beginning or after a frame',
          description: 'Only background responses can be read as a stream again.',
          tags: ['responses'],
          params: ResponseParams,
          querystring: RetrieveQuery,
          response: { 200: ResponseOrStream, ...responseErrors(['turn_not_found']) },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const { isStream, startingAfter } = readQuery(request.query);
          const found = await findResponse(deps, callerOf(request), request.params.response_id);
          const { turn, head, record } = found;
          if (!isStream) return (await responseNow(deps, found, clientLeft(reply))) ?? reply.hijack();
          if (!head.echo.background || record === null) throw new TurnwiseError('turn_not_found', NO_STREAM);
          announce(reply, turn);
          const endedAtMs = () => record.endedAtMs ?? Date.now();
          const frames = responseFrames(head, { startingAfter, endedAtMs });
          const source = conversations.source(turn);
          return await streamTurn(deps, readers, RESPONSES, source, frames, new SseSink(reply));
        } finally {
          leave();
        }
      },
    );

    app.post(
      '/v1/responses/:response_id/cancel',
      {
        schema: {
          summary: 'Cancel a background response; answered once it has ended',
          tags: ['responses'],
          params: ResponseParams,
          response: { 200: ResponseObject, ...responseErrors(['turn_not_found', 'commit_unknown']) },
        },
      },
      async (request, reply) => {
        const caller = callerOf(request);
        const found = await findResponse(deps, caller, request.params.response_id);
        if (!found.head.echo.background) throw new TurnwiseError('invalid_request', NO_CANCEL);
        if (found.record !== null && !hasEnded(found.record.status)) {
          await conversations.cancel(found.turn);
          const cancelled = await findResponse(deps, caller, request.params.response_id);
          return (await responseNow(deps, cancelled, clientLeft(reply))) ?? reply.hijack();
        }
        return (await responseNow(deps, found, clientLeft(reply))) ?? reply.hijack();
      },
    );
  };
}

const NO_STREAM = { message: 'only a background response can be read as a stream again, for a while' };
const NO_CANCEL = {
  message: 'only a background response can be cancelled; for others, close the connection',
};

/** @returns null when the client has left. @throws the error that ended the turn */
async function wholeResponse(source: TurnSource, head: ResponseHead, signal: AbortSignal) {
  const collected = await collectResponse(source, head, signal);
  if (collected?.end.type === 'error') throw errorOf(collected.end, idsOf(source.turn));
  return collected?.response ?? null;
}
