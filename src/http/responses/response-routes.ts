import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sessionOf } from '../../conversation/caller.ts';
import { hasEnded, type TurnRecord, type TurnRef } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import { callerOf } from '../callers.ts';
import { clientLeft } from '../client-left.ts';
import { announce } from '../door/admit.ts';
import type { Readers } from '../door/readers.ts';
import { SseSink } from '../door/sse-sink.ts';
import { streamTurn } from '../door/stream-turn.ts';
import type { HttpDeps } from '../http-deps.ts';
import { type BegunResponse, beginResponse, headOf } from './begin-response.ts';
import { collectResponse, idsOf } from './collect-response.ts';
import { parseResponseId } from './ids.ts';
import { readQuery } from './query.ts';
import { receiptOf } from './receipts.ts';
import { responseFrames } from './response-frames.ts';
import { type ResponseHead, responseToJson } from './response-object.ts';
import { RESPONSES } from './responses-dialect.ts';
import {
  CreateHeaders,
  CreateResponse,
  RESPONSE_ERROR_REPLIES,
  ResponseObject,
  ResponseOrStream,
  ResponseParams,
  RetrieveQuery,
} from './schemas.ts';

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
          response: { 200: ResponseOrStream, ...RESPONSE_ERROR_REPLIES },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const sink = new SseSink(reply);
          const begun = await beginResponse(deps, request);
          const { turn, head } = begun;
          announce(reply, turn);
          if (begun.isStream) {
            return await streamTurn(deps, readers, RESPONSES, turn, responseFrames(head, -1), sink);
          }
          if (head.echo.background) return responseToJson(head, unfinished('queued'));
          return await wholeResponse(deps, begun, reply);
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
          response: { 200: ResponseOrStream, ...RESPONSE_ERROR_REPLIES },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const { isStream, startingAfter } = readQuery(request.query);
          const { turn, record, head } = await lookUp(request);
          if (!isStream) {
            const response = await responseSoFar(turn, record, head, reply);
            return response ?? reply.hijack();
          }
          if (!head.echo.background) {
            const message = 'only a background response can be read as a stream again';
            throw new TurnwiseError('turn_not_found', { message });
          }
          announce(reply, turn);
          const endedAtMs = () => record.endedAtMs ?? Date.now();
          const frames = responseFrames(head, startingAfter, endedAtMs);
          return await streamTurn(deps, readers, RESPONSES, turn, frames, new SseSink(reply));
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
          response: { 200: ResponseObject, ...RESPONSE_ERROR_REPLIES },
        },
      },
      async (request, reply) => {
        const { turn, head } = await lookUp(request);
        if (!head.echo.background) {
          const message = 'only a background response can be cancelled; for others, close the connection';
          throw new TurnwiseError('invalid_request', { message });
        }
        const record = await conversations.cancel(turn);
        return (await responseSoFar(turn, record, head, reply)) ?? reply.hijack();
      },
    );
  };

  /** @throws turn_not_found */
  async function lookUp(request: FastifyRequest<{ Params: ResponseParams }>) {
    const place = parseResponseId(request.params.response_id);
    if (place === null) throw new TurnwiseError('turn_not_found');
    const turn: TurnRef = {
      session: sessionOf(callerOf(request), place.conversationId),
      turnId: place.turnId,
    };
    const [record, echo] = await Promise.all([conversations.find(turn), receiptOf(turn)]);
    return { turn, record, head: headOf(turn, record.createdAtMs, echo) };
  }

  /** A response as it is now: its output is there once it has ended. null: the client has left. */
  async function responseSoFar(turn: TurnRef, record: TurnRecord, head: ResponseHead, reply: FastifyReply) {
    if (!hasEnded(record.status)) {
      return responseToJson(head, unfinished(record.status === 'queued' ? 'queued' : 'in_progress'));
    }
    const endedAtMs = () => record.endedAtMs ?? record.createdAtMs;
    return (await collectResponse(deps, turn, head, clientLeft(reply), endedAtMs))?.response ?? null;
  }
}

/** @throws the error that ended the turn */
async function wholeResponse(deps: HttpDeps, { turn, head }: BegunResponse, reply: FastifyReply) {
  const collected = await collectResponse(deps, turn, head, clientLeft(reply));
  if (collected === null) return reply.hijack();
  const { response, end } = collected;
  if (end.type !== 'error') return response;
  const { code, message, modelStatus } = end;
  const more = modelStatus === undefined ? {} : { model_status: modelStatus };
  throw new TurnwiseError(code, { message, details: { ...idsOf(turn), ...more } });
}

function unfinished(status: 'queued' | 'in_progress') {
  return { status, output: [], endedAtMs: null, reason: null, failure: null, usage: null };
}
