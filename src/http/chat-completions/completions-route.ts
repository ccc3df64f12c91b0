import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { callerOf } from '../callers.ts';
import { clientLeft } from '../client-left.ts';
import { announce, idempotencyKeyOf } from '../door/admit.ts';
import { askResent } from '../door/ask-resent.ts';
import { collectTurn } from '../door/collect-turn.ts';
import { ADMISSION_ERRORS, ANSWER_ERRORS } from '../door/error-codes.ts';
import type { Readers } from '../door/readers.ts';
import { sessionHeaderOf } from '../door/session-header.ts';
import { SseSink } from '../door/sse-sink.ts';
import { streamTurn } from '../door/stream-turn.ts';
import type { HttpDeps } from '../http-deps.ts';
import { CHAT } from './chat-dialect.ts';
import { ChunkFrames } from './chunk-frames.ts';
import { completionOf, headOf } from './completion.ts';
import { parseChat } from './parse-chat.ts';
import { refuseDeclined } from './refuse.ts';
import { ChatReply, chatErrorReplies } from './reply-schema.ts';
import { ChatHeaders, ChatRequest } from './request-schema.ts';

/** `POST /v1/chat/completions`: one answer, whole or as a stream. */
export function completionsRoute(deps: HttpDeps, readers: Readers): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/v1/chat/completions',
      {
        sse: 'manual',
        preValidation: async ({ body }) => refuseDeclined(body),
        schema: {
          summary: 'Chat Completions',
          description:
            'Without a session header every message of the body is shown to the model and nothing is stored. With one, the ' +
            'session keeps the conversation, and what its history has already is not stored again.',
          tags: ['openai'],
          headers: ChatHeaders,
          body: ChatRequest,
          response: { 200: ChatReply, ...chatErrorReplies(...ADMISSION_ERRORS, ...ANSWER_ERRORS) },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const { body } = request;
          const sink = new SseSink(reply, 'at-first-frame');
          const { messages, options } = parseChat(body);
          const source = await askResent(deps, CHAT, callerOf(request), {
            conversationId: sessionHeaderOf(request, deps.settings.sessionHeaders),
            idempotencyKey: idempotencyKeyOf(request),
            model: body.model,
            ...{ messages, options },
          });
          if (source.isStored) announce(reply, source.turn);
          const head = headOf(source.turn, body);
          if (body.stream === true) {
            const frames = new ChunkFrames(source, head, body.stream_options?.include_usage === true);
            return await streamTurn(deps, readers, CHAT, source, frames, sink);
          }
          const collected = await collectTurn(source, clientLeft(reply));
          return collected === null ? reply.hijack() : completionOf(head, body, collected);
        } finally {
          leave();
        }
      },
    );
  };
}
