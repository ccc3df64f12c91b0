import { type Static, Type } from 'typebox';
import { ON_BUSY } from '../../conversation/turn.ts';
import { FunctionTool, Metadata, open, orNull, strict, text, word } from './schema-words.ts';

/** What clients send, for the API document. Requests are read by `Fields`, which says more than a schema. */

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

const created = {
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
};
export const CreateResponse = strict(created);

export const CountTokens = strict({
  ...question,
  input: orNull(question.input),
  personality: orNull(text),
});

export const CompactResponse = strict({
  ...created,
  model: Type.String({ maxLength: 256 }),
  input: orNull(question.input),
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

export const ListQuery = open({
  limit: Type.Optional(Type.String({ description: '1 to 100, default 20' })),
  order: Type.Optional(word('asc', 'desc')),
  after: Type.Optional(Type.String({ description: '`last_id` of the page before' })),
});

export const AddItems = strict({ items: Type.Array(InputItem, { minItems: 1, maxItems: 20 }) });
export const CreateConversation = strict({
  items: orNull(Type.Array(InputItem, { maxItems: 20 })),
  metadata: orNull(Metadata),
});
export const UpdateConversation = strict({ metadata: orNull(Metadata) });

const ConversationId = Type.String({ description: 'a session of the caller' });
export const ConversationParams = strict({ conversation_id: ConversationId });
export const ItemParams = strict({ conversation_id: ConversationId, item_id: text });
