import { type Static, type TProperties, type TSchema, Type } from 'typebox';
import { ON_BUSY } from '../../conversation/turn.ts';

/** What clients send and receive, for the API document. Requests are read by `Fields`, which says more than a schema. */

const text = Type.String();
const orNull = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const open = <P extends TProperties>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: true, ...options });
const strict = <P extends TProperties>(properties: P, options: object = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });
const word = <const T extends string>(...words: T[]) => Type.Enum(words);

const Content = Type.Union([
  open({ type: word('input_text', 'output_text', 'text'), text }),
  open({ type: Type.Literal('refusal'), refusal: text }),
  open({
    type: Type.Literal('input_image'),
    image_url: Type.String({ description: 'an https or a data URL' }),
    detail: orNull(text),
  }),
  open({
    type: Type.Literal('input_file'),
    filename: orNull(text),
    file_url: orNull(Type.String({ description: 'an https URL' })),
    file_data: orNull(Type.String({ description: 'a data URL' })),
  }),
]);

const InputItem = Type.Union([
  open({
    type: Type.Optional(Type.Literal('message')),
    role: Type.Enum(['user', 'assistant', 'system', 'developer'], {
      description: 'system and developer only at the beginning, where they act as instructions',
    }),
    content: Type.Union([text, Type.Array(Content)]),
  }),
  open({ type: Type.Literal('function_call'), call_id: text, name: text, arguments: text }),
  open({
    type: Type.Literal('function_call_output'),
    call_id: text,
    output: Type.Union([text, Type.Array(Content)], { description: 'text' }),
  }),
  open({ type: Type.Literal('reasoning') }, { description: 'is left out' }),
  open({ type: orNull(Type.Literal('item_reference')), id: text }),
  open({ type: Type.Literal('compaction'), encrypted_content: text }),
]);

export const FunctionTool = strict({
  type: Type.Literal('function'),
  name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
  description: orNull(text),
  parameters: orNull(open({})),
  strict: orNull(Type.Boolean()),
});

const Metadata = Type.Record(text, Type.String({ maxLength: 512 }), { maxProperties: 16 });

/** What both a response and a count of its tokens ask for. */
const question = {
  model: orNull(Type.String({ maxLength: 256, description: 'one of OPENAI_MODEL' })),
  input: Type.Union([text, Type.Array(InputItem)]),
  instructions: orNull(Type.String({ description: 'in place of the system prompt, for this turn' })),
  conversation: orNull(Type.Union([text, open({ id: text })])),
  previous_response_id: orNull(text),
  tools: orNull(Type.Array(FunctionTool)),
  tool_choice: orNull(
    Type.Union([word('none', 'auto', 'required'), open({ type: word('function', 'allowed_tools') })]),
  ),
  parallel_tool_calls: orNull(Type.Boolean()),
  text: orNull(
    strict({
      format: orNull(open({ type: word('text', 'json_object', 'json_schema') })),
      verbosity: orNull(word('low', 'medium', 'high')),
    }),
  ),
  reasoning: orNull(
    open({
      effort: orNull(word('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max')),
      summary: orNull(word('auto', 'concise', 'detailed')),
    }),
  ),
  truncation: orNull(word('auto', 'disabled')),
};

export const CreateResponse = strict({
  ...question,
  stream: orNull(Type.Boolean()),
  background: orNull(Type.Boolean()),
  store: orNull(Type.Boolean()),
  temperature: orNull(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: orNull(Type.Number({ minimum: 0, maximum: 1 })),
  presence_penalty: orNull(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: orNull(Type.Number({ minimum: -2, maximum: 2 })),
  max_output_tokens: orNull(Type.Integer({ minimum: 1 })),
  max_tool_calls: orNull(Type.Integer({ minimum: 1 })),
  top_logprobs: orNull(Type.Integer({ minimum: 0, maximum: 0 })),
  metadata: orNull(Metadata),
  user: orNull(text),
  safety_identifier: orNull(text),
  prompt_cache_key: orNull(text),
  prompt_cache_retention: orNull(text),
  prompt_cache_options: orNull(open({})),
  service_tier: orNull(text),
  include: orNull(Type.Array(text)),
  stream_options: orNull(strict({ include_obfuscation: orNull(Type.Boolean()) })),
  prompt: Type.Optional(Type.Null()),
  moderation: Type.Optional(Type.Null()),
  context_management: orNull(Type.Array(Type.Unknown(), { maxItems: 0 })),
});

export const CreateHeaders = open({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: 'the same key is the same response; with conversation',
    }),
  ),
  'x-on-busy': Type.Optional(
    Type.Enum([...ON_BUSY], {
      description: 'what this does while the conversation is busy; reject without it',
    }),
  ),
});

export const ResponseParams = strict({ response_id: Type.String({ description: '`resp_…`' }) });
export type ResponseParams = Static<typeof ResponseParams>;

export const RetrieveQuery = open({
  stream: Type.Optional(word('true', 'false')),
  starting_after: Type.Optional(
    Type.String({ pattern: '^[0-9]+$', description: 'the number of the last frame that the client has' }),
  ),
});

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const OutputItem = open({
  id: text,
  type: word('message', 'function_call', 'function_call_output', 'reasoning'),
  status: word('in_progress', 'completed', 'incomplete'),
});

const Usage = strict({
  input_tokens: Type.Integer(),
  input_tokens_details: strict({ cached_tokens: Type.Integer() }),
  output_tokens: Type.Integer(),
  output_tokens_details: strict({ reasoning_tokens: Type.Integer() }),
  total_tokens: Type.Integer(),
});

const Failure = strict({ code: text, message: text });

const fields = {
  id: text,
  object: Type.Literal('response'),
  created_at: Type.Integer({ description: 'seconds since 1970' }),
  completed_at: nullable(Type.Integer()),
  status: word('queued', 'in_progress', 'completed', 'incomplete', 'cancelled', 'failed'),
  incomplete_details: nullable(strict({ reason: word('max_output_tokens', 'content_filter') })),
  error: nullable(Failure),
  model: text,
  previous_response_id: nullable(text),
  conversation: Type.Optional(strict({ id: text })),
  instructions: nullable(text),
  output: Type.Unsafe<readonly object[]>(Type.Array(OutputItem)),
  tools: Type.Unsafe<readonly object[]>(Type.Array(FunctionTool)),
  tool_choice: Type.Unknown(),
  parallel_tool_calls: Type.Boolean(),
  text: Type.Unsafe<object>(open({})),
  reasoning: strict({ effort: nullable(text), summary: nullable(text) }),
  temperature: Type.Number(),
  top_p: Type.Number(),
  presence_penalty: Type.Number(),
  frequency_penalty: Type.Number(),
  top_logprobs: Type.Integer(),
  max_output_tokens: nullable(Type.Integer()),
  max_tool_calls: nullable(Type.Integer()),
  truncation: word('auto', 'disabled'),
  store: Type.Boolean(),
  background: Type.Boolean(),
  service_tier: text,
  metadata: Metadata,
  safety_identifier: nullable(text),
  prompt_cache_key: nullable(text),
  user: Type.Optional(text),
  usage: nullable(Usage),
};

const TURN_HEADERS = {
  'X-Session-ID': { type: 'string', description: 'the conversation' },
  'X-Turn-ID': { type: 'string', description: 'the turn' },
};
const ERROR_HEADERS = {
  'X-Request-ID': { type: 'string', description: 'finds the request in the log' },
  'X-Should-Retry': {
    type: 'string',
    description: '`false` where a client library should not ask again by itself',
  },
  'Retry-After': { type: 'integer', description: 'seconds, with every 429 and 503' },
};

export const ResponseObject = strict(fields, { headers: TURN_HEADERS });

/** One frame; the body is a stream of them, ended by `data: [DONE]`. */
const StreamFrame = open(
  { type: text, sequence_number: Type.Integer() },
  { description: 'a frame: `event:` repeats its type' },
);

/** A response as JSON, or its frames. */
export const ResponseOrStream = {
  description: 'the response, or with `stream` its frames',
  headers: TURN_HEADERS,
  content: {
    'application/json': { schema: strict(fields) },
    'text/event-stream': { schema: StreamFrame },
  },
};

const ErrorReply = Type.Object(
  {
    error: Type.Object(
      { message: text, type: text, param: nullable(text), code: text },
      { additionalProperties: true },
    ),
  },
  { description: 'any error; the codes are in docs/protocol.md', headers: ERROR_HEADERS },
);

/** Every route may reply with these. */
export const RESPONSE_ERROR_REPLIES = { '4xx': ErrorReply, '5xx': ErrorReply };

export const DeletedResponse = strict({
  id: text,
  object: Type.Literal('response'),
  deleted: Type.Literal(true),
});

export const ListQuery = open({
  limit: Type.Optional(Type.String({ description: '1 to 100, default 20' })),
  order: Type.Optional(word('asc', 'desc')),
  after: Type.Optional(Type.String({ description: '`last_id` of the page before' })),
});

const listOf = (item: TSchema) =>
  strict({
    object: Type.Literal('list'),
    data: Type.Unsafe<readonly object[]>(Type.Array(item)),
    first_id: nullable(text),
    last_id: nullable(text),
    has_more: Type.Boolean(),
  });

/** An item of the history: as in `output`, or a message of the user. */
const Item = open({ id: text, type: text, status: text });
export const ConversationItem = Type.Unsafe<object>(Item);
export const ItemList = listOf(Item);

export const AddItems = strict({ items: Type.Array(InputItem, { minItems: 1, maxItems: 20 }) });
export const CreateConversation = strict({
  items: orNull(Type.Array(InputItem, { maxItems: 20 })),
  metadata: orNull(Metadata),
});
export const UpdateConversation = strict({ metadata: orNull(Metadata) });

const ConversationId = Type.String({ description: 'a session of the caller' });
export const ConversationParams = strict({ conversation_id: ConversationId });
export const ItemParams = strict({ conversation_id: ConversationId, item_id: text });

export const Conversation = strict({
  id: text,
  object: Type.Literal('conversation'),
  created_at: Type.Integer({ description: 'seconds since 1970' }),
  metadata: Metadata,
});
export const ConversationList = listOf(Conversation);
export const DeletedConversation = strict({
  id: text,
  object: Type.Literal('conversation.deleted'),
  deleted: Type.Literal(true),
});
