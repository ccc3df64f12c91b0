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
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
