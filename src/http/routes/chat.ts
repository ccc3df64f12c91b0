import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BEFORE_ALL } from '../../conversation/events.ts';
import type { TurnRate } from '../../conversation/ports.ts';
import { ANONYMOUS_OWNER, isConversationId } from '../../conversation/session.ts';
import { type CountTurn, type Submitted, submitTurn } from '../../conversation/submit-turn.ts';
import { TurnwiseError } from '../../errors.ts';
import { announce } from '../announce.ts';
import { clientLeft } from '../client-left.ts';
import type { HttpDeps } from '../http-deps.ts';
import { collectReply } from '../json-reply.ts';
import { placeAfter, turnToRead } from '../resume.ts';
import {
  ChatBody,
  ChatReply,
  ERROR_REPLIES,
  EventStream,
  IdempotencyHeaders,
  NoContent,
  StreamHeaders,
} from '../schemas.ts';
import { SseSink } from '../sse-sink.ts';
import { type Readers, streamTurn } from '../turn-stream.ts';
import { streamUrl } from '../wire.ts';

/** `POST /api/chat` and `POST /api/chat/stream`: one turn, answered whole or as it is said. */
export function chatRoutes(deps: HttpDeps, readers: Readers): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/api/chat',
      {
        schema: {
          summary: 'Say something, get the whole answer',
          tags: ['chat'],
          body: ChatBody,
          headers: IdempotencyHeaders,
          response: { 200: ChatReply, ...ERROR_REPLIES },
        },
      },
      async (request, reply) => {
        // Turns have a limit of their own, but many may wait for one.
        const leave = readers.enter();
        try {
          const { turn } = await admit(
            deps,
            request,
            reply,
            request.body,
            request.headers['idempotency-key'],
          );
          announce(reply, turn);
          const answer = await collectReply(deps.turns, turn, clientLeft(reply));
          // Nobody is left to answer.
          return answer ?? reply.hijack();
        } finally {
          leave();
        }
      },
    );

    app.post(
      '/api/chat/stream',
      {
        sse: 'manual',
        schema: {
          summary: 'Say something, get the answer as it is said',
          description:
            'Server-Sent Events: queued, started, delta, restarted, done, cancelled, error. Sent again with its ' +
            'Idempotency-Key and Last-Event-ID it goes on after that event; 204 when that was the last one.',
          tags: ['chat'],
          body: ChatBody,
          headers: StreamHeaders,
          response: { 200: EventStream, 204: NoContent, ...ERROR_REPLIES },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const sink = new SseSink(reply, clientLeft(reply));
          const has = placeAfter(request.headers['last-event-id']);
          const { turn, isRepeat } = await admit(
            deps,
            request,
            reply,
            request.body,
            request.headers['idempotency-key'],
          );
          announce(reply, turn);
          // What the client has of another turn says nothing of a new one.
          const after = isRepeat ? has : BEFORE_ALL;
          if (isRepeat && (await turnToRead(deps.turns, turn, after)) === null)
            return reply.code(204).send(null);
          return await streamTurn(deps.turns, readers, sink, turn, after);
        } finally {
          leave();
        }
      },
    );
  };
}

async function admit(
  deps: HttpDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  body: ChatBody,
  idempotencyKey: string | undefined,
): Promise<Submitted> {
  // Node joins what was sent twice into one value, which nobody sent.
  if ((request.raw.headersDistinct['idempotency-key']?.length ?? 0) > 1) {
    throw new TurnwiseError('invalid_request', { message: 'Idempotency-Key must be sent once' });
  }
  if (idempotencyKey !== undefined && body.conversation_id === undefined) {
    throw new TurnwiseError('invalid_request', {
      message: 'with an Idempotency-Key, conversation_id may not be left out',
    });
  }
  // 122 random bits: nobody finds a conversation by guessing.
  const conversationId = body.conversation_id ?? randomUUID();
  if (!isConversationId(conversationId)) {
    throw new TurnwiseError('invalid_request', { message: 'conversation_id must not be . or ..' });
  }
  const asked = {
    session: { owner: ANONYMOUS_OWNER, conversationId },
    ownerAsGiven: ANONYMOUS_OWNER,
    message: body.message,
    onBusy: body.on_busy ?? null,
    idempotencyKey: idempotencyKey ?? null,
  };
  try {
    return await submitTurn(deps.turns, asked, deps.rate && countWith(deps.rate, request.ip, reply));
  } catch (error) {
    throw error instanceof TurnwiseError && error.details.turn_id !== undefined
      ? withStreamUrl(error, conversationId)
      : error;
  }
}

function countWith(rate: TurnRate, caller: string, reply: FastifyReply): CountTurn {
  return async () => {
    const waitSeconds = await rate.take(caller);
    if (waitSeconds === 0) return;
    reply.header('retry-after', waitSeconds);
    throw new TurnwiseError('rate_limited');
  };
}

/** An answer that a machine can act on: where the turn can be read that is in the way, or may have been taken in. */
function withStreamUrl(error: TurnwiseError, conversationId: string): TurnwiseError {
  return new TurnwiseError(error.code, {
    details: { ...error.details, stream_url: streamUrl(conversationId, String(error.details.turn_id)) },
    cause: error,
  });
}
