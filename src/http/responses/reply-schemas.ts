import { type TSchema, Type } from 'typebox';
import { FunctionTool, Metadata, nullable, open, strict, text, word } from './schema-words.ts';

/** What clients receive: JSON is serialised by these, frames are only described. */

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

export const DeletedResponse = strict({
  id: text,
  object: Type.Literal('response'),
  deleted: Type.Literal(true),
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

export const InputTokens = strict({
  object: Type.Literal('response.input_tokens'),
  input_tokens: Type.Integer({ description: 'by our own count' }),
});

export const Compaction = strict({
  id: text,
  object: Type.Literal('response.compaction'),
  created_at: Type.Integer(),
  output: Type.Array(strict({ type: Type.Literal('compaction'), id: text, encrypted_content: text })),
  usage: Usage,
});
