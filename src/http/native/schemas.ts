import { type Static, type TObject, type TProperties, Type } from 'typebox';
import type { TurnEvent } from '../../conversation/events.ts';
import { CONVERSATION_ID } from '../../conversation/session.ts';
import { ON_BUSY, TURN_STATUSES } from '../../conversation/turn.ts';

/** Bodies are strict: nothing is coerced, and a field that is not listed is refused. */
function strict<P extends TProperties>(
  properties: P,
  options: { description?: string; headers?: object } = {},
): TObject<P> {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

const ConversationId = Type.String({
  pattern: CONVERSATION_ID.source,
  description: '1 to 128 of A-Z a-z 0-9 . _ : @ ~ - ; not . or ..',
  examples: ['test_1'],
});

const OnBusy = Type.Enum([...ON_BUSY], {
  description: 'what this message does while a turn of the session runs',
});

const InputPart = Type.Union([
  strict({ type: Type.Literal('text'), text: Type.String() }),
  strict({ type: Type.Literal('image'), image_url: Type.String({ description: 'an https or a data URL' }) }),
  strict({
    type: Type.Literal('file'),
    file_url: Type.Optional(Type.String({ description: 'an https URL' })),
    file_data: Type.Optional(Type.String({ description: 'a data URL' })),
    filename: Type.Optional(Type.String({ maxLength: 255 })),
  }),
  strict({
    type: Type.Literal('function_result'),
    call_id: Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'a call that a turn of the session ended in',
    }),
    output: Type.String(),
    is_error: Type.Optional(Type.Boolean()),
  }),
]);
export type InputPart = Static<typeof InputPart>;

/** A text, or parts; the keywords used apply to only one of the two, so that an error names what is wrong. */
const UserMessage = Type.Unsafe<string | InputPart[]>({
  type: ['string', 'array'],
  minLength: 1,
  minItems: 1,
  items: {
    type: 'object',
    discriminator: { propertyName: 'type' },
    required: ['type'],
    oneOf: InputPart.anyOf,
  },
  description: 'what the user says: a text, or parts of text, images and files; or the results of tools',
  examples: ['My name is Ada'],
});

export const ChatBody = strict({
  message: UserMessage,
  conversation_id: Type.Optional(ConversationId),
  on_busy: Type.Optional(OnBusy),
  model: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'one of OPENAI_MODEL' })),
  tools: Type.Optional(
    Type.Array(
      strict({
        type: Type.Literal('function'),
        function: strict({
          name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
          description: Type.Optional(Type.String()),
          parameters: Type.Optional(Type.Object({}, { additionalProperties: true })),
          strict: Type.Optional(Type.Boolean()),
        }),
      }),
      { maxItems: 128, description: 'functions of the caller: the turn ends with the calls' },
    ),
  ),
  tool_choice: Type.Optional(
    Type.Union([
      Type.Enum(['none', 'auto', 'required']),
      strict({ type: Type.Literal('function'), function: strict({ name: Type.String() }) }),
    ]),
  ),
});
export type ChatBody = Static<typeof ChatBody>;

export const RenameBody = strict({ title: Type.String({ minLength: 1, maxLength: 200 }) });

export const SessionParams = strict({ id: ConversationId });
export type SessionParams = Static<typeof SessionParams>;

export const TurnParams = strict({
  id: ConversationId,
  turn_id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
});
export type TurnParams = Static<typeof TurnParams>;

const Limit = Type.String({ pattern: '^(?:[1-9][0-9]{0,2}|1000)$', description: '1 to 1000, default 100' });

export const ListQuery = strict({
  limit: Type.Optional(Limit),
  cursor: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,300}$' })),
});

export const MessagesQuery = strict({
  limit: Type.Optional(Limit),
  before: Type.Optional(Type.String({ pattern: '^m[0-9]{1,16}-[0-9]{1,9}$', description: 'a message id' })),
});

export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: 'the same key is the same turn' }),
  ),
});

const LastEventId = Type.String({ description: 'the last event that the client has' });

/** A stream that is requested again, as by clients whose connection broke. */
export const StreamHeaders = Type.Object({
  ...IdempotencyHeaders.properties,
  'last-event-id': Type.Optional(LastEventId),
});

export const ResumeHeaders = Type.Object({ 'last-event-id': Type.Optional(LastEventId) });

/** For clients that cannot set headers. */
export const ResumeQuery = strict({ lastEventId: Type.Optional(LastEventId) });

/** Headers of a reply, for the API document. */
const TURN_HEADERS = {
  'X-Session-ID': { type: 'string', description: 'the conversation, sent before the first byte of the body' },
  'X-Turn-ID': { type: 'string', description: 'the turn; with it the client finds it again' },
};

const Time = Type.String({ format: 'date-time' });
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const Usage = strict({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
});

export const ChatReply = strict(
  {
    reply: Type.String(),
    session_id: Type.String(),
    turn_id: Type.String(),
    message_count: Type.Integer(),
    finish_reason: Type.String(),
    usage: orNull(Usage),
    tool_calls: Type.Optional(
      Type.Array(strict({ call_id: Type.String(), name: Type.String(), arguments: Type.String() }), {
        description: 'calls for the caller to make; their results are the next message',
      }),
    ),
  },
  { headers: TURN_HEADERS },
);
export type ChatReply = Static<typeof ChatReply>;

export const Session = strict({
  session_id: Type.String(),
  title: Type.String(),
  created_at: Time,
  last_accessed: Time,
  expires_at: Time,
  message_count: Type.Integer(),
  parent: Type.Optional(Type.String({ description: 'the session that it was forked from' })),
});

export const SessionList = strict({
  sessions: Type.Array(Session),
  total: Type.Integer(),
  next_cursor: orNull(Type.String()),
});

export const Deleted = strict({ message: Type.String(), session_id: Type.String() });

const Message = strict({
  id: Type.String(),
  turn_id: Type.String(),
  role: Type.Enum(['user', 'assistant', 'tool']),
  content: Type.String({ description: 'its text' }),
  parts: Type.Optional(
    Type.Array(Type.Object({ type: Type.String() }, { additionalProperties: true }), {
      description: 'when it is more than text: text, reasoning, image, file, function_call, function_result',
    }),
  ),
  created_at: Time,
  truncated: Type.Optional(Type.Boolean()),
});

export const MessageList = strict({ messages: Type.Array(Message), has_more: Type.Boolean() });

const failure = {
  code: Type.String(),
  message: Type.String(),
  retryable: Type.Boolean(),
  model_status: Type.Optional(
    Type.Integer({ description: 'with model_refused: the status that the model server refused with' }),
  ),
};

const Failure = strict(failure);

export const Turn = strict({
  turn_id: Type.String(),
  session_id: Type.String(),
  status: Type.Enum([...TURN_STATUSES]),
  attempt: Type.Integer(),
  position: orNull(Type.Integer()),
  reply: orNull(Type.String()),
  kept: orNull(Type.Boolean()),
  finish_reason: orNull(Type.String()),
  usage: orNull(Usage),
  error: orNull(Failure),
  created_at: Time,
  started_at: orNull(Time),
  ended_at: orNull(Time),
});

const place = { turn_id: Type.String(), session_id: Type.String() };

const EVENTS = {
  queued: strict({ ...place, position: Type.Integer() }),
  started: strict({ ...place, attempt: Type.Integer() }),
  delta: strict({ content: Type.String() }),
  reasoning: strict({ content: Type.String() }),
  tool_call: strict({ call_id: Type.String(), name: Type.String(), arguments: Type.String() }),
  tool_result: strict({ call_id: Type.String(), output: Type.String(), is_error: Type.Boolean() }),
  restarted: strict({ ...place, attempt: Type.Integer() }),
  done: strict({
    ...place,
    finish_reason: Type.String(),
    usage: orNull(Usage),
    message_count: Type.Integer(),
  }),
  cancelled: strict({ ...place, kept: Type.Boolean(), message_count: Type.Integer() }),
  error: strict({ ...failure, ...place }),
} as const satisfies Record<TurnEvent['type'], TObject>;

/** What a stream route replies, for the API document; streams are not serialised by schema. */
export const EventStream = {
  description: 'server-sent events, each with an id, a name and data in JSON; the last three end the stream',
  headers: TURN_HEADERS,
  content: {
    'text/event-stream': {
      schema: Type.Union(
        Object.entries(EVENTS).map(([name, data]) =>
          strict({ id: Type.String(), event: Type.Literal(name), data }),
        ),
        { description: 'one event; the body is a stream of them' },
      ),
    },
  },
};

export const PlainText = { description: 'text', content: { 'text/plain': { schema: Type.String() } } };

export const NoContent = Type.Null({ description: 'nothing more will come' });

export const Health = strict({
  status: Type.Enum(['healthy', 'unhealthy']),
  agent_initialized: Type.Boolean(),
  session_count: orNull(Type.Integer()),
  model: orNull(Type.String()),
  demo_model: Type.Boolean(),
  redis: Type.Enum(['ok', 'full', 'no answer']),
  reconcile: Type.Unknown({ description: 'report of the last reconcile; null when there was none' }),
});

export const Status = strict({ status: Type.String() });
