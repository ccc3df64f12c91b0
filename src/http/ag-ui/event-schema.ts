import { type Static, type TProperties, Type } from 'typebox';
import type { ErrorCode } from '../../errors.ts';
import { ANSWER_ERRORS, repliesByStatus } from '../door/error-codes.ts';

/** What the routes of AG-UI reply, for the API document. */

const strict = <P extends TProperties>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });
const open = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: true });
const text = Type.String();
const messageId = text;
const toolCallId = text;
const run = { threadId: text, runId: text };

/** What may end a stream that has begun. */
const STREAM_ERRORS: readonly ErrorCode[] = [
  ...ANSWER_ERRORS,
  ...(['internal', 'session_deleted', 'redis_unavailable', 'storage_full', 'corrupt_session'] as const),
  ...(['draining', 'commit_unknown', 'overloaded', 'invalid_request'] as const),
];

const errorOf = (codes: readonly ErrorCode[]) =>
  strict({
    type: Type.Literal('RUN_ERROR'),
    message: text,
    code: Type.Enum([...codes]),
    metadata: open({ retryable: Type.Boolean() }),
  });

const Usage = strict({
  inputTokens: Type.Integer(),
  outputTokens: Type.Integer(),
  totalTokens: Type.Integer(),
});

/** Every event that a run shows but RUN_ERROR, whose codes depend on the place. */
const EVENTS = [
  strict({
    type: Type.Literal('RUN_STARTED'),
    ...run,
    parentRunId: Type.Optional(text),
    protocolVersion: Type.Literal('1.0'),
    metadata: strict({ turn_id: text }),
  }),
  strict({ type: Type.Literal('TEXT_MESSAGE_START'), messageId, role: Type.Literal('assistant') }),
  strict({ type: Type.Literal('TEXT_MESSAGE_CONTENT'), messageId, delta: text }),
  strict({ type: Type.Literal('TEXT_MESSAGE_END'), messageId }),
  strict({ type: Type.Literal('REASONING_START'), messageId }),
  strict({ type: Type.Literal('REASONING_MESSAGE_START'), messageId, role: Type.Literal('reasoning') }),
  strict({ type: Type.Literal('REASONING_MESSAGE_CONTENT'), messageId, delta: text }),
  strict({ type: Type.Literal('REASONING_MESSAGE_END'), messageId }),
  strict({ type: Type.Literal('REASONING_END'), messageId }),
  strict({
    type: Type.Literal('TOOL_CALL_START'),
    toolCallId,
    toolCallName: text,
    parentMessageId: text,
  }),
  strict({ type: Type.Literal('TOOL_CALL_ARGS'), toolCallId, delta: text }),
  strict({ type: Type.Literal('TOOL_CALL_END'), toolCallId }),
  strict({
    type: Type.Literal('TOOL_CALL_RESULT'),
    messageId,
    toolCallId,
    content: text,
    role: Type.Literal('tool'),
  }),
  strict({ type: Type.Literal('MESSAGES_SNAPSHOT'), messages: Type.Array(open({ id: text, role: text })) }),
  strict({
    type: Type.Literal('CUSTOM'),
    name: Type.Literal('turnwise.queued'),
    value: strict({ position: Type.Integer() }),
  }),
  strict({
    type: Type.Literal('RUN_FINISHED'),
    ...run,
    outcome: Type.Union([
      strict({ type: Type.Literal('success'), pendingToolCallIds: Type.Optional(Type.Array(text)) }),
      strict({ type: Type.Literal('cancelled') }),
    ]),
    usage: Type.Optional(Type.Array(Usage)),
    metadata: Type.Optional(strict({ finish_reason: text })),
  }),
] as const;

export type RunEvent = Static<(typeof EVENTS)[number]> | Static<ReturnType<typeof errorOf>>;

export const RunStream = {
  description: 'server-sent events that have only data; RUN_FINISHED or RUN_ERROR ends the stream',
  headers: {
    'X-Session-ID': { type: 'string', description: 'the thread' },
    'X-Turn-ID': { type: 'string', description: 'the turn; with it the run is found on the native routes' },
  },
  content: {
    'text/event-stream': {
      schema: Type.Union(
        [...EVENTS, errorOf(STREAM_ERRORS)].map((data) => strict({ data })),
        { description: 'one event; the body is a stream of them' },
      ),
    },
  },
};

export const NoRun = Type.Null({ description: 'no run of the thread is running or waits' });

/** The errors of a route by status, each with its codes: the event that would end a stream. */
export function runErrorReplies(...codes: readonly ErrorCode[]) {
  return repliesByStatus(codes, (ofStatus) => ({
    description: 'docs/errors.md says when',
    headers: {
      'X-Request-ID': { type: 'string', description: 'finds the request in the log' },
      'Retry-After': { type: 'integer', description: 'seconds, with every 429 and 503' },
    },
    content: { 'application/json': { schema: errorOf(ofStatus) } },
  }));
}
