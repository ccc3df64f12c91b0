import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { usageToJson } from '../../conversation/events.ts';
import { type Input, type InputMessage, userInput } from '../../conversation/input.ts';
import { type Part, pushPart, textOf } from '../../conversation/parts.ts';
import type { TurnOptions, TurnRef } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import { callerOf } from '../callers.ts';
import { clientLeft } from '../client-left.ts';
import { type AskedTurn, admit, announce, idempotencyKeyOf } from '../door/admit.ts';
import { type CollectedTurn, collectTurn } from '../door/collect-turn.ts';
import { ADMISSION_ERRORS, ANSWER_ERRORS } from '../door/error-codes.ts';
import type { Readers } from '../door/readers.ts';
import { SseSink } from '../door/sse-sink.ts';
import { streamTurn } from '../door/stream-turn.ts';
import type { HttpDeps } from '../http-deps.ts';
import { errorReplies } from './error-schemas.ts';
import { NATIVE, placeIn } from './native-dialect.ts';
import {
  ChatBody,
  ChatReply,
  EventStream,
  IdempotencyHeaders,
  type InputPart,
  NoContent,
  StreamHeaders,
} from './schemas.ts';

/** `POST /api/chat` and `POST /api/chat/stream`: one turn, answered whole or as a stream. */
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
          response: { 200: ChatReply, ...errorReplies(...ADMISSION_ERRORS, ...ANSWER_ERRORS) },
        },
      },
      async (request, reply) => {
        // Turns have a limit of their own, but many clients may wait for one.
        const leave = readers.enter();
        try {
          const { turn } = await admit(deps, NATIVE, callerOf(request), parseChat(request, request.body));
          announce(reply, turn);
          const collected = await collectTurn(deps.conversations.source(turn), clientLeft(reply));
          return collected === null ? reply.hijack() : replyOf(turn, collected);
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
            'Server-Sent Events: queued, started, delta, reasoning, tool_call, tool_result, restarted, done, cancelled, ' +
            'error. Sent again with its Idempotency-Key and Last-Event-ID it goes on after that event; 204 when that was ' +
            'the last one.',
          tags: ['chat'],
          body: ChatBody,
          headers: StreamHeaders,
          response: { 200: EventStream, 204: NoContent, ...errorReplies(...ADMISSION_ERRORS) },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const sink = new SseSink(reply);
          const has = request.headers['last-event-id'] ?? null;
          // Checked before anything is admitted.
          placeIn(has);
          const asked = parseChat(request, request.body);
          const { turn, isRepeat } = await admit(deps, NATIVE, callerOf(request), asked);
          announce(reply, turn);
          // What the client has of another turn says nothing about a new one.
          const frames = NATIVE.frames(turn, isRepeat ? has : null);
          if (isRepeat && (await deps.conversations.hasAll(turn, frames.after)))
            return reply.code(204).send(null);
          return await streamTurn(deps, readers, NATIVE, deps.conversations.source(turn), frames, sink);
        } finally {
          leave();
        }
      },
    );
  };
}

function replyOf(turn: TurnRef, { parts, end }: CollectedTurn): ChatReply {
  const answered = new Set(parts.flatMap((part) => (part.type === 'function_result' ? [part.callId] : [])));
  const calls = parts.flatMap((part) =>
    part.type === 'function_call' && !answered.has(part.callId)
      ? [{ call_id: part.callId, name: part.name, arguments: part.arguments }]
      : [],
  );
  return {
    reply: textOf(parts),
    session_id: turn.session.conversationId,
    turn_id: turn.turnId,
    message_count: end.messageCount,
    finish_reason: end.type === 'done' ? end.finishReason : 'cancelled',
    usage: end.type === 'done' ? usageToJson(end.usage) : null,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

/** What the body of a chat request asks for. @throws invalid_request */
function parseChat(request: FastifyRequest, body: ChatBody): AskedTurn {
  return {
    conversationId: body.conversation_id ?? null,
    input: inputOf(body.message),
    onBusy: body.on_busy ?? null,
    model: body.model ?? null,
    options: optionsOf(body),
    idempotencyKey: idempotencyKeyOf(request),
  };
}

function optionsOf({ tools, tool_choice: toolChoice }: ChatBody): TurnOptions {
  return {
    ...(tools === undefined ? {} : { tools }),
    ...(toolChoice === undefined ? {} : { parameters: { tool_choice: toolChoice } }),
  };
}

/** Each result of a tool is a message of its own, before what the user says beside it. */
function inputOf(message: ChatBody['message']): Input {
  if (typeof message === 'string') return userInput(message);
  const results: InputMessage[] = [];
  const parts: Part[] = [];
  for (const [index, sent] of message.entries()) {
    const part = partOf(sent, index);
    if (part.type === 'function_result') results.push({ role: 'tool', parts: [part] });
    else pushPart(parts, part);
  }
  return parts.length === 0 ? results : [...results, { role: 'user', parts }];
}

function partOf(part: InputPart, index: number): Part {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'image':
      return { type: 'image', imageUrl: part.image_url };
    case 'file': {
      const { file_url: fileUrl = null, file_data: fileData = null, filename = null } = part;
      if ((fileUrl === null) === (fileData === null)) {
        const message = `body/message/${index} must have one of file_url and file_data`;
        throw new TurnwiseError('invalid_request', { message });
      }
      return { type: 'file', filename, fileUrl, fileData };
    }
    case 'function_result': {
      const { call_id: callId, output, is_error: isError = false } = part;
      return { type: 'function_result', callId, output, isError };
    }
  }
}
