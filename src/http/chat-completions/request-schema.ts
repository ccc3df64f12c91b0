import { type Static, type TSchema, Type } from 'typebox';

/** What `POST /v1/chat/completions` accepts. A field may be null, which means the same as if it were not there. */

type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';

/** One type with null beside it, so that an error names what is wrong and not all alternatives. */
function orNull<T>(type: JsonType, keywords: object = {}) {
  return Type.Optional(Type.Unsafe<T | null>({ type: [type, 'null'], ...keywords }));
}

const Ignored = Type.Optional(Type.Unknown({ description: 'accepted; it changes nothing' }));

/** Parts or messages, told apart by one of their fields; further fields of clients and servers are ignored. */
function oneOf(name: string, members: readonly TSchema[]) {
  return { type: 'object', required: [name], discriminator: { propertyName: name }, oneOf: members };
}

/** A text, or parts of these types; in an answer it may also be null. */
function content<T>(types: 'text' | 'answer' | 'user') {
  const parts = { text: [TextPart], answer: [TextPart, RefusalPart], user: [TextPart, ImagePart, FilePart] };
  return Type.Unsafe<T>({
    type: types === 'answer' ? ['string', 'array', 'null'] : ['string', 'array'],
    items: oneOf('type', parts[types]),
  });
}

const TextPart = Type.Object({ type: Type.Literal('text'), text: Type.String() });
const RefusalPart = Type.Object({ type: Type.Literal('refusal'), refusal: Type.String() });
const ImagePart = Type.Object({
  type: Type.Literal('image_url'),
  image_url: Type.Object({
    url: Type.String({ description: 'an https or a data URL' }),
    detail: Ignored,
  }),
});
const FilePart = Type.Object({
  type: Type.Literal('file'),
  file: Type.Object({
    file_data: Type.String({ description: 'an https or a data URL' }),
    filename: Type.Optional(Type.String({ maxLength: 255 })),
  }),
});

export type TextPart = Static<typeof TextPart>;
export type UserPart = TextPart | Static<typeof ImagePart> | Static<typeof FilePart>;
export type AnswerPart = TextPart | Static<typeof RefusalPart>;

const ToolCall = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 256 }),
  type: Type.Literal('function'),
  function: Type.Object({ name: Type.String({ minLength: 1 }), arguments: Type.String() }),
});

const SystemMessage = Type.Object({
  role: Type.Enum(['system', 'developer'], { description: 'only before all other messages' }),
  content: content<string | TextPart[]>('text'),
});
const UserMessage = Type.Object({
  role: Type.Literal('user'),
  content: content<string | UserPart[]>('user'),
  name: Ignored,
});
const AssistantMessage = Type.Object({
  role: Type.Literal('assistant'),
  content: Type.Optional(content<string | AnswerPart[] | null>('answer')),
  refusal: orNull<string>('string'),
  tool_calls: orNull<Static<typeof ToolCall>[]>('array', { items: ToolCall }),
  name: Ignored,
});
const ToolMessage = Type.Object({
  role: Type.Literal('tool'),
  tool_call_id: Type.String({ minLength: 1, maxLength: 256 }),
  content: content<string | TextPart[]>('text'),
});

export type SystemMessage = Static<typeof SystemMessage>;
export type AssistantMessage = Static<typeof AssistantMessage>;
export type ChatMessage =
  | SystemMessage
  | Static<typeof UserMessage>
  | AssistantMessage
  | Static<typeof ToolMessage>;

const FunctionTool = Type.Object({
  type: Type.Literal('function'),
  function: Type.Object({
    name: Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,128}$' }),
    description: Type.Optional(Type.String()),
    parameters: Type.Optional(Type.Unsafe<object>({ type: 'object' })),
    strict: orNull<boolean>('boolean'),
  }),
});

const penalty = orNull<number>('number', { minimum: -2, maximum: 2 });

/** What shapes the answer: checked here, and passed on to the model under the same name. */
export const SHAPING = {
  temperature: orNull<number>('number', { minimum: 0, maximum: 2 }),
  top_p: orNull<number>('number', { minimum: 0, maximum: 1 }),
  max_tokens: orNull<number>('integer', { minimum: 1 }),
  max_completion_tokens: orNull<number>('integer', { minimum: 1 }),
  stop: Type.Optional(
    Type.Unsafe<string | string[] | null>({
      type: ['string', 'array', 'null'],
      items: { type: 'string' },
      maxItems: 16,
    }),
  ),
  seed: orNull<number>('integer'),
  frequency_penalty: penalty,
  presence_penalty: penalty,
  logit_bias: orNull<object>('object', { additionalProperties: { type: 'number' } }),
  response_format: orNull<object>('object', {
    required: ['type'],
    properties: { type: { type: 'string', enum: ['text', 'json_object', 'json_schema'] } },
  }),
  reasoning_effort: orNull<string>('string', { maxLength: 32 }),
  verbosity: orNull<string>('string', { maxLength: 32 }),
  prediction: orNull<object>('object'),
  tool_choice: Type.Optional(
    Type.Unsafe<string | object | null>({
      type: ['string', 'object', 'null'],
      description: 'none, auto, required, or the choice of a function',
    }),
  ),
  parallel_tool_calls: orNull<boolean>('boolean'),
  // Not OpenAI's, but known to the servers of open models, and sent by their front ends.
  top_k: orNull<number>('integer'),
  min_p: orNull<number>('number', { minimum: 0, maximum: 1 }),
  repetition_penalty: orNull<number>('number'),
  min_tokens: orNull<number>('integer', { minimum: 0 }),
  chat_template_kwargs: orNull<object>('object'),
  enable_thinking: orNull<boolean>('boolean'),
  thinking: orNull<object>('object'),
  reasoning: orNull<object>('object'),
} as const;

/** What would change the answer and cannot be done; only the value that asks for nothing is accepted. */
export const DECLINED = {
  n: orNull<number>('integer', { enum: [1, null], description: 'there is one answer a request' }),
  logprobs: orNull<boolean>('boolean', { enum: [false, null] }),
  top_logprobs: orNull<number>('integer', { enum: [0, null] }),
  modalities: orNull<string[]>('array', {
    items: { type: 'string', enum: ['text'] },
    description: 'answers are text',
  }),
  audio: Type.Optional(Type.Null({ description: 'answers are text' })),
  functions: orNull<object[]>('array', { maxItems: 0, description: 'use tools' }),
  function_call: Type.Optional(Type.Null({ description: 'use tool_choice' })),
  web_search_options: Type.Optional(Type.Null()),
  moderation: Type.Optional(Type.Null()),
} as const;

/** What shapes nothing. */
const ACCEPTED = {
  user: Ignored,
  metadata: orNull<Record<string, string>>('object', {
    additionalProperties: { type: 'string', maxLength: 512 },
    maxProperties: 16,
    description: 'returned with the answer',
  }),
  store: Ignored,
  service_tier: orNull<string>('string', { maxLength: 64, description: 'returned with the answer' }),
  prompt_cache_key: Ignored,
  prompt_cache_options: Ignored,
  prompt_cache_retention: Ignored,
  safety_identifier: Ignored,
} as const;

export const ChatRequest = Type.Object(
  {
    model: Type.String({ minLength: 1, maxLength: 256, description: 'one of OPENAI_MODEL' }),
    messages: Type.Array(
      Type.Unsafe<ChatMessage>(oneOf('role', [SystemMessage, UserMessage, AssistantMessage, ToolMessage])),
      { minItems: 1 },
    ),
    tools: orNull<Static<typeof FunctionTool>[]>('array', { items: FunctionTool }),
    stream: orNull<boolean>('boolean'),
    stream_options: orNull<{ include_usage?: boolean | null }>('object', {
      properties: { include_usage: { type: ['boolean', 'null'] } },
    }),
    ...SHAPING,
    ...ACCEPTED,
    ...DECLINED,
  },
  { additionalProperties: false },
);
export type ChatRequest = Static<typeof ChatRequest>;

export const ChatHeaders = Type.Object({
  'x-session-id': Type.Optional(
    Type.String({ description: 'the conversation: messages that it has already are not stored again' }),
  ),
  'idempotency-key': Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: 'the same key is the same turn; in a session' }),
  ),
});
