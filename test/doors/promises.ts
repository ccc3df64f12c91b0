import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'responses.answer': {
    says: 'a response has every key of the specification, what the request chose is shown again and reaches the model',
    breaks: 'parse-request: leave out the parameters of `text`',
    from: 'docs/protocol.md: Responses',
  },
  'responses.stream': {
    says: 'the frames of a stream come in the order of the protocol, numbered from 0, and the SDK makes the same response of them',
    breaks: 'response-fold: do not close the reasoning when text begins',
    from: 'docs/protocol.md: Responses',
  },
  'responses.stream.frames': {
    says: 'every frame names its type twice and is followed by the end mark, and a response in it has all its keys from the first',
    breaks: 'response-frames: leave out the end mark',
    from: 'docs/protocol.md: Responses',
  },
  'responses.tools': {
    says: 'a response ends with the calls of the model, in their order; their outputs begin the next one, on another replica',
    breaks: 'parse-tools: pass on the tools in the flat form',
    from: 'docs/protocol.md: Responses',
  },
  'responses.unknown-call': {
    says: 'an output for a call that nobody made is refused, and the conversation is as it was',
    breaks: 'response-routes: render frames where the first event is an error',
    from: 'docs/protocol.md: Responses',
  },
  'responses.incomplete': {
    says: 'an answer that was cut short is incomplete, and says why',
    breaks: 'response-object incompleteReason: always null',
    from: 'docs/protocol.md: Responses',
  },
  'responses.failed': {
    says: 'what fails before the first frame has a status; in mid-stream an error frame and a failed response end it',
    breaks: 'response-fold: leave out the error frame',
    from: 'docs/protocol.md: Responses',
  },
  'responses.disconnect': {
    says: 'closing the connection of a response that is not in the background stops its model',
    breaks: 'responses-dialect: onDisconnect continue',
    from: 'docs/protocol.md: Responses',
  },
  'responses.refused': {
    says: 'what a request cannot have is refused with the name of its field, before a session exists',
    breaks: 'fields: do not refuse unknown fields',
    from: 'docs/protocol.md: Responses',
  },
  'responses.background': {
    says: 'a background response is answered at once, runs without its client, and can be retrieved from any replica',
    breaks: 'begin-response: cancel a background response when its client leaves',
    from: 'docs/protocol.md: Responses',
  },
  'responses.background.resume': {
    says: 'the stream of a background response goes on after any frame on another replica, byte for byte, while it runs and after',
    breaks: 'response-frames: begin to count at the first frame that is sent',
    from: 'docs/protocol.md: Responses',
  },
  'responses.foreground.no-resume': {
    says: 'a response that is not in the background has no stream to go on with, and is not to be cancelled',
    breaks: 'response-routes: do not look whether it is in the background',
    from: 'docs/protocol.md: Responses',
  },
  'responses.cancel': {
    says: 'cancelling a background response from another replica stops its model, keeps what was said, and may be repeated',
    breaks: 'response-fold: a cancelled response is completed',
    from: 'docs/protocol.md: Responses',
  },
  'responses.kept': {
    says: 'a response can be retrieved when its log is gone, with the same ids; deleted, it is gone, and the history is not',
    breaks: 'find-response: do not look into the history',
    from: 'docs/protocol.md: Responses',
  },
  'responses.delete': {
    says: 'a response that was just given can be deleted as well',
    breaks: 'find-response: take the echo of the record',
    from: 'docs/protocol.md: Responses',
  },
  'responses.continue': {
    says: 'the last response is continued in its conversation; an earlier one begins another with the history up to there',
    breaks: 'begin-response: follow no turn',
    from: 'docs/protocol.md: Responses',
  },
  'responses.unstored': {
    says: 'a response that is not stored reads the history and leaves no trace; nothing waits for it',
    breaks: 'begin-response: admit what is not to be stored',
    from: 'docs/protocol.md: Responses',
  },
  'responses.busy': {
    says: 'a busy conversation is locked, as a 400 that no client library repeats; a header asks to wait',
    breaks: 'begin-response: enqueue by default',
    from: 'docs/protocol.md: Responses',
  },
  'responses.repeat': {
    says: 'the same Idempotency-Key is the same response; it needs a conversation',
    breaks: 'begin-response: give the core no key',
    from: 'docs/protocol.md: Responses',
  },
  'responses.resent': {
    says: 'a front end that resends everything under a session header has each turn stored once; an edit is answered and not stored',
    breaks: 'begin-response: do not extend',
    from: 'docs/protocol.md: Responses',
  },
  'conversations.life': {
    says: 'a conversation is created with metadata, looked up, changed, listed and deleted, on any replica',
    breaks: 'conversation-routes: leave out the metadata',
    from: 'docs/protocol.md: Responses',
  },
  'conversations.list': {
    says: 'conversations are listed in pages, the newest first or the oldest',
    breaks: 'conversation-routes: ignore the order',
    from: 'docs/protocol.md: Responses',
  },
  'conversations.items': {
    says: 'items are added without the model, listed page by page in both orders by the SDK, and looked up',
    breaks: 'lists pageOf: begin at `after` itself',
    from: 'docs/protocol.md: Responses',
  },
  'conversations.items.same-ids': {
    says: 'the items of a response have the same ids in the conversation, calls and outputs included',
    breaks: 'items ItemNumbers: number all items of an answer in a row',
    from: 'docs/protocol.md: Responses',
  },
  'conversations.items.delete': {
    says: 'an item is deleted with what cannot be without it; what would tear the history is refused',
    breaks: 'conversation-item-routes: delete nothing',
    from: 'docs/protocol.md: Responses',
  },
  'socket.responses': {
    says: 'a WebSocket answers one request after the other with the frames of a stream, each response numbered from 0',
    breaks: 'socket-session take: answer each message at once',
    from: 'docs/protocol.md: Responses',
  },
  'socket.chain': {
    says: 'a chain that is not stored lives in its connection alone, calls and outputs included, and ends with a failed try',
    breaks: 'socket-session: do not forget after a failed try',
    from: 'docs/protocol.md: Responses',
  },
  'socket.stored': {
    says: 'a stored response of a WebSocket can be continued over HTTP and on another replica, and the other way round',
    breaks: 'begin-response: look for a stored response in the connection alone',
    from: 'docs/protocol.md: Responses',
  },
  'socket.errors': {
    says: 'what cannot be asked on a WebSocket is an error with its status, and the connection goes on',
    breaks: 'socket-session: close the connection after an error',
    from: 'docs/protocol.md: Responses',
  },
  'socket.origin': {
    says: 'a page of another origin cannot connect, and a request that is no upgrade is told what the route takes',
    breaks: 'socket-route: do not check the origin',
    from: 'docs/protocol.md: Responses',
  },
  'socket.disconnect': {
    says: 'closing a WebSocket cancels the response in flight',
    breaks: 'socket-session: do not fire the signal',
    from: 'docs/protocol.md: Responses',
  },
  'socket.sdk': {
    says: 'the WebSocket client of the openai package gets the frames of a response',
    breaks: 'response-frames: send frames of SSE',
    from: 'docs/protocol.md: Responses',
  },
  'responses.input-tokens': {
    says: 'the tokens of a question are counted without asking the model: text, instructions, tools and the conversation',
    breaks: 'count-tokens: leave out the tools',
    from: 'docs/protocol.md: Responses',
  },
  'responses.compact': {
    says: 'a conversation is summarised into one item, and a response that begins with it shows the model the summary',
    breaks: 'window-routes: leave out the history',
    from: 'docs/protocol.md: Responses',
  },
  'responses.docs.errors': {
    says: 'the page of the protocol has every error with its code, status, type and retry on this door',
    breaks: 'error-table: a busy conversation is 409',
    from: 'docs/protocol.md: Responses',
  },
  'responses.taken-over': {
    says: 'after a takeover the item in progress ends incomplete and another begins; the response has the new one alone',
    breaks: 'response-fold: keep the items of an attempt that was lost',
    from: 'docs/protocol.md: Responses',
  },
  'responses.summary': {
    says: 'what the model thinks is shown as it is, or as a summary where the request asks for one',
    breaks: 'spoken-words: number the parts of a summary by content_index',
    from: 'docs/protocol.md: Responses',
  },
  'clients.agents': {
    says: 'an agent of @openai/agents with a Conversations session calls its tool, remembers, and takes its last item back',
    breaks: 'lists pageOf: ignore the order',
    from: 'docs/protocol.md: Responses',
  },
  'clients.ai-sdk.openai': {
    says: 'the AI SDK sends the ids of earlier items in place of their text, and the model is told what they said',
    breaks: 'references: leave out the items',
    from: 'docs/protocol.md: Responses',
  },
  'clients.ai-sdk.tools': {
    says: 'the AI SDK streams an answer, runs a tool between two responses, and stores each turn once under a session header',
    breaks: 'begin-response: do not extend',
    from: 'docs/protocol.md: Responses',
  },
  'clients.ai-sdk.open-responses': {
    says: 'the AI SDK provider for Open Responses gets an answer, whole and streamed',
    breaks: 'response-frames: leave out the type in the data',
    from: 'docs/protocol.md: Responses',
  },
  'responses.max-output-tokens': {
    says: 'the limit of an answer goes by the name that the model server takes, which is learned from its refusal',
    breaks: 'needs adapt: leave max_tokens as it is',
    from: 'docs/models.md: What is sent',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
