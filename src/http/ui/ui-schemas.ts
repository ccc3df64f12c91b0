import { type Static, Type } from 'typebox';
import { CONVERSATION_ID } from '../../conversation/session.ts';

/** What `useChat` sends. An app may add fields of its own, which mean nothing here. */

const ChatId = Type.String({ pattern: CONVERSATION_ID.source, description: 'the chat: a session' });

const MessagePart = Type.Object(
  {
    type: Type.String({ description: 'text, file, tool-NAME, dynamic-tool; others are passed over' }),
    text: Type.Optional(Type.Unknown()),
    url: Type.Optional(Type.Unknown()),
    mediaType: Type.Optional(Type.Unknown()),
    filename: Type.Optional(Type.Unknown()),
    toolCallId: Type.Optional(Type.Unknown()),
    state: Type.Optional(Type.Unknown()),
    output: Type.Optional(Type.Unknown()),
    errorText: Type.Optional(Type.Unknown()),
    providerExecuted: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: true },
);

const Message = Type.Object(
  {
    id: Type.Optional(Type.String({ maxLength: 256 })),
    role: Type.Enum(['user', 'assistant', 'system']),
    parts: Type.Array(MessagePart),
  },
  { additionalProperties: true },
);
export type UiMessage = Static<typeof Message>;

const FunctionTool = Type.Object(
  {
    type: Type.Literal('function'),
    function: Type.Object(
      {
        name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
        description: Type.Optional(Type.String()),
        parameters: Type.Optional(Type.Object({}, { additionalProperties: true })),
        strict: Type.Optional(Type.Boolean()),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);

export const UiChatBody = Type.Object(
  {
    id: ChatId,
    messages: Type.Optional(Type.Array(Message, { description: 'only the last one counts' })),
    message: Type.Optional(Message),
    trigger: Type.Optional(Type.Enum(['submit-message', 'regenerate-message'])),
    messageId: Type.Optional(Type.String({ maxLength: 256 })),
    model: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'one of OPENAI_MODEL' })),
    tools: Type.Optional(
      Type.Array(FunctionTool, { maxItems: 128, description: 'functions that the client runs' }),
    ),
  },
  { additionalProperties: true },
);
export type UiChatBody = Static<typeof UiChatBody>;

export const UiHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: 'the same key is the same turn' }),
  ),
  'x-turnwise-events': Type.Optional(
    Type.Enum(['queued'], { description: 'chunks `data-queued` tell the place in the queue' }),
  ),
});

export const ChatParams = Type.Object({ id: ChatId }, { additionalProperties: false });

export const StopBody = Type.Object(
  {
    turn_id: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })),
    messageId: Type.Optional(
      Type.String({ maxLength: 256, description: 'of the answer, as `start` named it' }),
    ),
  },
  { additionalProperties: true },
);

export const Stopped = Type.Object(
  {
    success: Type.Literal(true),
    stopped: Type.Boolean({ description: 'false: it was not the active turn' }),
  },
  { additionalProperties: false },
);

/** For the API document; streams are not serialised by schema. */
export const UiStream = {
  description: 'chunks of a UI message, each as `data:` with JSON; `[DONE]` ends them',
  headers: {
    'X-Session-ID': { type: 'string', description: 'the session' },
    'X-Turn-ID': { type: 'string', description: 'the turn; with it the client can stop it' },
    'X-Vercel-AI-UI-Message-Stream': { type: 'string', description: '`v1`' },
  },
  content: {
    'text/event-stream': {
      schema: Type.Object({ type: Type.String() }, { additionalProperties: true }),
    },
  },
};
