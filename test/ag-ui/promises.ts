import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'agui.run': {
    says: 'HttpAgent runs a turn: the events in order, as its own verifier wants them, with the names of thread and run, and usage',
    breaks: 'run-frames #finish: leave the text message open',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.resent': {
    says: 'a client sends all its messages with every run, on any replica: each turn is history once, and the model is shown that',
    breaks: 'parse-run startOfNew: return 0',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.tools': {
    says: 'tools of the caller end a run with their calls, and their outputs begin the next one, on another replica',
    breaks: 'parse-run startOfNew: take the last tool message alone',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.parts': {
    says: 'images and documents are passed on unchanged, as a URL or as data, also in later runs of the thread',
    breaks: 'parse-run urlOf: data without its type',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.reasoning': {
    says: 'reasoning is a message of its own, before the answer; when the client sends it back it is not shown to the model',
    breaks: 'run-frames #say: reasoning as text',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.shaping': {
    says: 'forwardedProps choose a model and shape the answer, system messages replace the prompt, context is added to it, state is not shown',
    breaks: 'agent systemPromptOf: without context',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.queued': {
    says: 'a run that waits for another one shows its place in the queue only when a header asks for that',
    breaks: 'run-frames of: show queued to everybody',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.errors.status': {
    says: 'what is refused is a status at which HttpAgent rejects, with the message and the code; an unknown model makes no session',
    breaks: 'ag-ui-dialect errorEvent: no message',
    from: 'docs/errors.md: AG-UI',
  },
  'agui.errors.refused': {
    says: 'what would change the answer and cannot be done is refused by its name, before the model is asked',
    breaks: 'parse-run partOf: skip other parts',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.errors.edit': {
    says: 'a message that the thread has already, edited or sent again for another answer, is refused by name',
    breaks: 'run-route: no refuseAnswered',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.errors.repeat': {
    says: 'with an Idempotency-Key the same run is the same turn, also once it is history',
    breaks: 'run-route: refuseAnswered with a key as well',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.errors.tools': {
    says: 'an output for a call that is not open is refused as a status, and history stays as it was',
    breaks: 'run-frames of: RUN_ERROR for every error',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.errors.stream': {
    says: 'an error within a run is RUN_ERROR with our code, and history stays as it was',
    breaks: 'run-frames cut: no frames',
    from: 'docs/errors.md: AG-UI',
  },
  'agui.errors.busy': {
    says: 'with ON_BUSY=reject a busy thread is 409, with the turn in the way',
    breaks: 'run-route: onBusy enqueue',
    from: 'docs/errors.md: AG-UI',
  },
  'agui.abort': {
    says: 'abortRun leaves the run going or cancels it, as ON_DISCONNECT says; a run cancelled elsewhere ends as cancelled',
    breaks: 'ag-ui-dialect: onDisconnect cancel',
    from: 'docs/protocol.md: AG-UI',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
