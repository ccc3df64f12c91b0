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
  'agui.resume.cut': {
    says: 'a client that lost its connection reads its run again on another replica, with its own pipeline, and has each message once',
    breaks: 'run-frames #start: no snapshot',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.resume.reload': {
    says: 'a client that knows nothing gets the whole thread with the run: text, pictures, calls and their outputs, and may go on',
    breaks: 'resume-route viewOf: without the messages of the history',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.resume.none': {
    says: 'a thread of which nothing runs, or which is not there, is 204; an id that is none is 400',
    breaks: 'resume-route: 404 when nothing runs',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.resume.other-door': {
    says: 'a turn of another door is a run as well, under the id of the turn',
    breaks: 'resume-route viewOf: an empty runId',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.frames.restarted': {
    says: 'after a takeover the client drops what the lost attempt said, thought and called, and has the new answer once',
    breaks: 'run-frames #restart: no snapshot',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.frames.own-tools': {
    says: 'tools that ran on the server are shown with their results, and only calls without one are pending',
    breaks: 'run-frames #result: leave the call pending',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.frames.interleaved': {
    says: 'text and reasoning that alternate stay one message of text, and each thought is a message',
    breaks: 'run-frames #answerId: a new number for each stretch',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.frames.cut': {
    says: 'an error before the run began is thrown, to be a status; a reading that is cut ends with RUN_ERROR, never silently',
    breaks: 'run-frames cut: no frames',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.openapi': {
    says: 'every event and every error is as /openapi.json has it, and so are the bodies of HttpAgent',
    breaks: 'event-schema: leave CUSTOM out',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.example': {
    says: 'examples/ag-ui/run.mjs runs twice, answers a call, and has the whole answer after it lost its connection',
    breaks: 'examples/ag-ui/run.mjs: no connectAgent',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.takeover': {
    says: 'when the replica that runs a turn is killed in mid-answer, every reader has the new answer once: one that connected, one that sent the run again, and the one that was cut',
    breaks: 'run-frames #restart: no snapshot',
    from: 'docs/protocol.md: AG-UI',
  },
  'agui.takeover.drain': {
    says: 'a replica that shuts down ends a run with RUN_ERROR, and the run is read to its end on another replica',
    breaks: 'run-frames cut: no frames',
    from: 'docs/errors.md: AG-UI',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
