import { type Static, type TProperties, Type } from 'typebox';
import type { ErrorCode } from '../../errors.ts';
import { ANSWER_ERRORS, repliesByStatus } from '../door/error-codes.ts';
import { ERROR_TYPES } from './chat-errors.ts';

/** What `/v1/chat/completions` and `/v1/models` reply, for the API document and for serialising. */

const strict = <P extends TProperties>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });
const text = Type.String();
const textOrNull = Type.Union([Type.String(), Type.Null()]);

/** What may end a stream that has begun. */
const STREAM_ERRORS: readonly ErrorCode[] = [
  ...ANSWER_ERRORS,
  ...(['internal', 'session_deleted', 'redis_unavailable', 'storage_full', 'corrupt_session'] as const),
  ...(['draining', 'commit_unknown', 'overloaded', 'invalid_request'] as const),
];

/** Only with an answer that is stored. */
const TURN_HEADERS = {
  'X-Session-ID': { type: 'string', description: 'the session, when the answer is stored' },
  'X-Turn-ID': { type: 'string', description: 'its turn' },
};
const ERROR_HEADERS = {
  'X-Request-ID': { type: 'string', description: 'finds the request in the log' },
  'Retry-After': { type: 'integer', description: 'seconds, with every 429 and 503' },
  'X-Should-Retry': { type: 'string', description: 'false: asking again by itself would not help' },
};

const FinishReason = Type.Enum(['stop', 'length', 'tool_calls', 'content_filter']);
const Usage = strict({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
});
const call = {
  id: text,
  type: Type.Literal('function'),
  function: strict({ name: text, arguments: text }),
};
const head = {
  id: Type.String({ description: '`chatcmpl-` and the id of the turn' }),
  created: Type.Integer({ description: 'seconds since 1970' }),
  model: Type.String({ description: 'as asked for' }),
  service_tier: Type.Optional(text),
};

const Completion = strict({
  ...head,
  object: Type.Literal('chat.completion'),
  choices: Type.Array(
    strict({
      index: Type.Literal(0),
      message: strict({
        role: Type.Literal('assistant'),
        content: textOrNull,
        refusal: Type.Null(),
        annotations: Type.Array(Type.Unknown(), { maxItems: 0 }),
        reasoning_content: Type.Optional(text),
        tool_calls: Type.Optional(Type.Array(strict(call))),
      }),
      logprobs: Type.Null(),
      finish_reason: FinishReason,
    }),
    { minItems: 1, maxItems: 1 },
  ),
  usage: Type.Optional(Usage),
  metadata: Type.Optional(Type.Record(text, text)),
});

export type Completion = Static<typeof Completion>;

const Chunk = strict({
  ...head,
  object: Type.Literal('chat.completion.chunk'),
  choices: Type.Array(
    strict({
      index: Type.Literal(0),
      delta: strict({
        role: Type.Optional(Type.Literal('assistant')),
        content: Type.Optional(text),
        reasoning_content: Type.Optional(text),
        tool_calls: Type.Optional(Type.Array(strict({ index: Type.Integer(), ...call }))),
      }),
      logprobs: Type.Null(),
      finish_reason: Type.Union([FinishReason, Type.Null()]),
    }),
    { maxItems: 1 },
  ),
  usage: Type.Optional(Type.Union([Usage, Type.Null()])),
});

function errorOf(codes: readonly ErrorCode[]) {
  return Type.Object({
    error: Type.Object(
      {
        message: text,
        type: Type.Enum([...new Set(codes.map((code) => ERROR_TYPES[code]))]),
        param: textOrNull,
        code: Type.Enum([...codes]),
      },
      { additionalProperties: true },
    ),
  });
}

/** One route replies both: a whole answer, or with `stream` its chunks. */
export const ChatReply = {
  description:
    'the answer; with `stream` as server-sent events that have only data, ended by `[DONE]` or an error',
  headers: TURN_HEADERS,
  content: {
    'application/json': { schema: Completion },
    'text/event-stream': {
      schema: Type.Union(
        [
          strict({ data: Chunk }),
          strict({ data: Type.Literal('[DONE]') }),
          strict({ data: errorOf(STREAM_ERRORS) }),
        ],
        { description: 'one event; the body is a stream of them' },
      ),
    },
  },
};

/** The errors of a route by status, each with its codes. */
export function chatErrorReplies(...codes: readonly ErrorCode[]) {
  return repliesByStatus(codes, (ofStatus) => ({
    description: 'docs/errors.md says when',
    headers: ERROR_HEADERS,
    content: { 'application/json': { schema: errorOf(ofStatus) } },
  }));
}

export const Model = strict({
  id: Type.String({ description: 'what `model` of a request may be' }),
  object: Type.Literal('model'),
  created: Type.Integer({ description: 'always 0' }),
  owned_by: text,
});

export const ModelList = strict({ object: Type.Literal('list'), data: Type.Array(Model) });

export const ModelParams = strict({ model: Type.String({ minLength: 1, maxLength: 256 }) });
