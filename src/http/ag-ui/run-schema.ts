import { type Static, type TSchema, Type } from 'typebox';

/** What `POST /api/ag-ui` accepts: a RunAgentInput. A field may be null, which means the same as if it were not there. */

type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';

/** One type with null beside it, so that an error names what is wrong and not all alternatives. */
function orNull<T>(type: JsonType, keywords: object = {}) {
  return Type.Optional(Type.Unsafe<T | null>({ type: [type, 'null'], ...keywords }));
}

/** Objects told apart by one of their fields; further fields are ignored. */
function oneOf<T>(name: string, members: readonly TSchema[]) {
  return Type.Unsafe<T>({
    type: 'object',
    required: [name],
    discriminator: { propertyName: name },
    oneOf: members,
  });
}

const Id = Type.String({ minLength: 1, maxLength: 256 });
const Ignored = Type.Optional(Type.Unknown({ description: 'accepted; it changes nothing' }));

const DataSource = Type.Object({
  type: Type.Literal('data'),
  value: Type.String({ description: 'base64' }),
  mimeType: Type.String({ minLength: 1, maxLength: 256 }),
});
const UrlSource = Type.Object({
  type: Type.Literal('url'),
  value: Type.String({ description: 'an https or a data URL' }),
});
const FileSource = Type.Object({ type: Type.Literal('file'), value: Type.String() });
export type Source = Static<typeof DataSource> | Static<typeof UrlSource> | Static<typeof FileSource>;

const source = oneOf<Source>('type', [DataSource, UrlSource, FileSource]);
const TextPart = Type.Object({ type: Type.Literal('text'), text: Type.String() });
const mediaPart = <const T extends string>(type: T) =>
  Type.Object({ type: Type.Literal(type), source, metadata: Ignored });
const MEDIA = [mediaPart('image'), mediaPart('document'), mediaPart('audio'), mediaPart('video')] as const;
export type ContentPart = Static<typeof TextPart> | Static<(typeof MEDIA)[number]>;

const content = Type.Unsafe<string | ContentPart[]>({
  type: ['string', 'array'],
  items: oneOf('type', [TextPart, ...MEDIA]),
});

const InstructionMessage = Type.Object({
  id: Id,
  role: Type.Enum(['system', 'developer'], { description: 'only before all other messages' }),
  content: Type.String(),
});
const UserMessage = Type.Object({ id: Id, role: Type.Literal('user'), content });
const ToolMessage = Type.Object({
  id: Id,
  role: Type.Literal('tool'),
  toolCallId: Id,
  content,
  error: orNull<string>('string'),
});
/** What was shown before: taken as it is, and not looked at. */
const ShownMessage = Type.Object({
  id: Id,
  role: Type.Enum(['assistant', 'reasoning', 'activity']),
});

export type UserMessage = Static<typeof UserMessage>;
export type ToolMessage = Static<typeof ToolMessage>;
export type RunMessage =
  | Static<typeof InstructionMessage>
  | UserMessage
  | ToolMessage
  | Static<typeof ShownMessage>;

const Tool = Type.Object({
  name: Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,128}$' }),
  description: Type.String(),
  parameters: orNull<object>('object', { description: 'JSON Schema' }),
});
export type Tool = Static<typeof Tool>;

const Context = Type.Object({ description: Type.String(), value: Type.String() });

/** What `forwardedProps` may say about the answer; passed on to the model under the same name. */
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
  frequency_penalty: orNull<number>('number', { minimum: -2, maximum: 2 }),
  presence_penalty: orNull<number>('number', { minimum: -2, maximum: 2 }),
  response_format: orNull<object>('object', { required: ['type'] }),
  reasoning_effort: orNull<string>('string', { maxLength: 32 }),
  tool_choice: Type.Optional(Type.Unsafe<string | object | null>({ type: ['string', 'object', 'null'] })),
  parallel_tool_calls: orNull<boolean>('boolean'),
} as const;

const PropsObject = Type.Object({
  model: orNull<string>('string', { minLength: 1, maxLength: 256, description: 'one of OPENAI_MODEL' }),
  ...SHAPING,
});
export type ForwardedProps = Static<typeof PropsObject>;

/** Anything, by the protocol; what is not an object says nothing here. */
const forwardedProps = Type.Optional(
  Type.Unsafe<unknown>({
    type: ['object', 'array', 'string', 'number', 'boolean', 'null'],
    properties: PropsObject.properties,
    description: 'a model, and what shapes the answer; anything else in it changes nothing',
  }),
);

export const RunRequest = Type.Object(
  {
    threadId: Type.String({ description: 'the conversation; made when it does not exist' }),
    runId: Id,
    parentRunId: orNull<string>('string', { maxLength: 256, description: 'returned in RUN_STARTED' }),
    protocolVersion: Ignored,
    messages: Type.Array(
      oneOf<RunMessage>('role', [InstructionMessage, UserMessage, ToolMessage, ShownMessage]),
      {
        minItems: 1,
        description: 'only the last message is taken, or the tool messages at the end',
      },
    ),
    tools: orNull<Tool[]>('array', { items: Tool }),
    context: orNull<Static<typeof Context>[]>('array', { items: Context }),
    state: Type.Optional(Type.Unknown({ description: 'stays with the client; the model does not see it' })),
    forwardedProps,
    resume: orNull<unknown[]>('array', { maxItems: 0, description: 'no run is ever interrupted' }),
  },
  { additionalProperties: false },
);
export type RunRequest = Static<typeof RunRequest>;

const shows = Type.Optional(
  Type.Enum(['queued'], { description: 'shows the place in the queue as well, as CUSTOM events' }),
);

export const ResumeHeaders = Type.Object({ 'x-turnwise-events': shows });

export const RunHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: 'the same key is the same run' }),
  ),
  'x-turnwise-events': shows,
});

export const ThreadParams = Type.Object({ thread_id: Type.String() });
