import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'chat.requests.refused': {
    says: 'a parameter that would change the answer and cannot be honoured is refused by its name, before the model is asked',
    breaks: 'completions-route: no preValidation',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.requests.invalid': {
    says: 'what is not valid is refused with the name of the place, and nothing is coerced',
    breaks: 'chat-errors paramOf: return null',
    from: 'docs/errors.md: Chat Completions',
  },
  'chat.requests.accepted': {
    says: 'what shapes the answer reaches the model as it was sent; what shapes nothing is accepted, and so is null',
    breaks: 'request-schema SHAPING: leave out top_k',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.errors.classes': {
    says: 'errors are the classes of the openai package, with type, param and code; what cannot help is not asked again by itself',
    breaks: 'chat-errors chatErrorHeaders: return {}',
    from: 'docs/errors.md: Chat Completions',
  },
  'chat.errors.no-route': {
    says: 'a path below /v1 without a route, or without that method, is an error of the openai package as well',
    breaks: 'doors dialectAt: return NATIVE always',
    from: 'docs/errors.md: Chat Completions',
  },
  'chat.errors.mid-stream': {
    says: 'an error within a stream is a frame at which the openai package throws, and history stays as it was',
    breaks: 'chunk-frames cut: return no frames',
    from: 'docs/errors.md: Chat Completions',
  },
  'chat.errors.limited': {
    says: 'answers that are not stored count as turns of their caller: beyond RATE_LIMIT_PER_MINUTE there is a RateLimitError',
    breaks: 'ask-resent: do not count what is not stored',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.errors.table': {
    says: 'docs/errors.md says of every code its status and type here, and whether clients ask again',
    breaks: 'chat-errors: type session_busy as server_error',
    from: 'docs/errors.md: Chat Completions',
  },
  'chat.errors.busy': {
    says: 'with ON_BUSY=reject a busy session is a ConflictError that names the turn, and the package asks again by itself',
    breaks: 'chat-errors TYPES: session_busy as server_error',
    from: 'docs/errors.md: Chat Completions',
  },
  'chat.errors.stopped': {
    says: 'a turn that is cancelled on another door ends as a whole answer of what was said until then',
    breaks: 'completion finishReasonOf: length for a cancelled turn',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.errors.leaves': {
    says: 'closing the connection cancels the answer, stored or not; of a stored one what was said is kept',
    breaks: 'chat-dialect: onDisconnect continue',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.frames.own-tools': {
    says: 'calls of tools that ran on the server are not shown; those that wait for the caller are, numbered from 0',
    breaks: 'chunk-frames of: ignore tool_result',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.frames.finish-reason': {
    says: 'every reason of a model server becomes one that clients know, and calls end with tool_calls',
    breaks: 'completion finishReasonOf: pass the reason on',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.frames.cancelled': {
    says: 'a turn that was stopped ends with stop and what was said until then; its calls are not shown',
    breaks: 'chunk-frames #end: show calls of any end',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.frames.restarted': {
    says: 'an answer that begins anew before anything was shown goes on silently, and afterwards is an error',
    breaks: 'chunk-frames of: throw at every restart',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.langchain': {
    says: '@langchain/openai asks whole and streamed, with usage, tools over two replicas, and an answer in a given shape',
    breaks: 'chunk-frames #end: no usage',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.ai-sdk': {
    says: '@ai-sdk/openai-compatible generates and streams text, reasoning, usage and the steps of a tool, over two replicas',
    breaks: 'finishReasonOf: always stop',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.ai-sdk.errors': {
    says: '@ai-sdk/openai-compatible gets the message of an error before a stream and within it',
    breaks: 'chat-errors: no message',
    from: 'docs/errors.md: Chat Completions',
  },
  'chat.requests.anything': {
    says: 'whatever JSON a body holds, the reply is an answer or an error of this door, and never a fault of ours',
    breaks: 'refuse itemsOf: take for granted that it is an array',
    from: 'docs/errors.md: Chat Completions',
  },
  'chat.session.long-wait': {
    says: 'a stream that waits for others gets its head after 5 s, so that no proxy gives it up; an error is then a frame',
    breaks: 'sse-sink: never open before the first frame',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.openai.whole': {
    says: 'the openai package gets a whole answer, with usage, and its model as asked for',
    breaks: 'completion completionOf: leave out annotations',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.openai.stream': {
    says: 'a stream begins with the role, gives each piece, then a reason to end, usage only when it was asked for, and [DONE]',
    breaks: 'chunk-frames: send usage with every request',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.openai.reasoning': {
    says: 'reasoning is shown as reasoning_content, in pieces or whole, and apart from the text',
    breaks: 'chunk-frames: show no reasoning',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.openai.tools': {
    says: 'calls end a turn, and their outputs begin the next: over two replicas, whole or streamed, parallel ones in their order',
    breaks: 'chunk-frames #end: show no calls',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.openai.parts': {
    says: 'images and files are passed on unchanged, also in later turns of the session',
    breaks: 'parse-chat partOf: drop files',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.openai.parsed': {
    says: 'response_format reaches the model as it was, and the helper of the package parses the answer',
    breaks: 'request-schema SHAPING: leave out response_format',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.openai.models': {
    says: 'the package lists the models and finds one, the default first; another is 404',
    breaks: 'models-routes: list only the default',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.openapi': {
    says: 'every answer, chunk and error is as /openapi.json has it, and so are the bodies of the openai package',
    breaks: 'reply-schema: leave reasoning_content out of a chunk',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.session.stateless': {
    says: 'without a session every message of the body is shown to the model, nothing is stored, and no session is named',
    breaks: 'parse-chat answerOf: keep empty answers',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.session.ten-turns': {
    says: 'a front end that sends the whole history each time has ten turns stored once, whatever titles and edits it asks for between',
    breaks: 'ask-resent: admit what does not extend the history as well',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.session.one-history': {
    says: 'a session is one and the same on every door: what was said on the native API is its history here, and the other way round',
    breaks: 'extend-history: take every history for empty',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.session.headers': {
    says: 'any header of SESSION_HEADERS names the session as well; an empty one names none, and two that differ are refused',
    breaks: 'wiring: only X-Session-ID in sessionHeaders',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.session.overtaken': {
    says: 'messages of one session wait for each other; one that does not continue what was said meanwhile is answered and not stored',
    breaks: 'plan sinceThen: store every answer',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.session.repeat': {
    says: 'sent again with its Idempotency-Key a request is the same turn, also once its answer is history',
    breaks: 'idempotency: hash what is new of the messages',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.takeover.stream': {
    says: 'a stream whose answer begins anew on another replica ends with an error frame; a whole answer is that of the new attempt',
    breaks: 'chunk-frames: go on after restarted',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.takeover.again': {
    says: 'after a kill in mid-answer the same request is answered, and history never has the question twice',
    breaks: 'plan sinceThen: store every answer',
    from: 'docs/protocol.md: Chat Completions',
  },
  'chat.takeover.drain': {
    says: 'a replica that shuts down ends a stream with an error frame, and tells whoever waits for a whole answer not to ask again by itself',
    breaks: 'chat-errors chatErrorHeaders: do not look at the turn id',
    from: 'docs/errors.md: Chat Completions',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
