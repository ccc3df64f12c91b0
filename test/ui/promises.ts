import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'ui.chat': {
    says: 'useChat’s client gets the answer of each turn as one message, whatever else it sends of the conversation',
    breaks: 'parse-ui: take all messages',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.reasoning-and-files': {
    says: 'reasoning is a part of its own, and images and files reach the model unchanged',
    breaks: 'ui-frames: show reasoning as text',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.resume': {
    says: 'a page that reloads in mid-answer reads the running turn from its first chunk on any replica, and 204 when there is none',
    breaks: 'ui-door: make a new message id for each reader',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.stop': {
    says: 'the stop route ends the turn that it names, and no other',
    breaks: 'ui-door stop: do not compare with the active turn',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.tools': {
    says: 'a turn ends in the calls of the client’s tools, and their outputs continue the same message, on another replica as well',
    breaks: 'parse-ui outputsIn: take the outputs of all steps',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.resume.continued': {
    says: 'a page that reloads while an answer goes on after the output of a tool still shows the call, and does not run it again',
    breaks: 'ui-door: give no earlier steps; ui-frames #replayed: leave out the filter',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.openapi': {
    says: 'every code that a reader of a UI stream can meet before the first chunk is in the API document',
    breaks: 'ui-door: ADMISSION_ERRORS alone',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.regenerate': {
    says: 'regenerate replaces the last answer in one commit; an edit, and an earlier answer, are refused by name',
    breaks: 'parse-ui: pass over messageId',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.regenerate.running': {
    says: 'regenerate of a question that is still being answered waits for that answer and replaces it, so it is asked once',
    breaks: 'means-last-turn isRunning: return false',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.try-again': {
    says: 'regenerate after an error asks the question that failed, and leaves the turn before it alone',
    breaks: 'means-last-turn: return true always',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.errors': {
    says: 'an error before the stream has a status and our code in its body, which useChat shows; one within it is an error chunk',
    breaks: 'ui-frames: never throw',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.busy': {
    says: 'a message that waits is told its place in the queue only when it asks for it, and is answered after those before it',
    breaks: 'ui-frames: show the queue always',
    from: 'docs/protocol.md: UI message stream',
  },
  'ui.takeover': {
    says: 'when the replica is killed in mid-answer, readers elsewhere drop what it said and show the new answer, as one message',
    breaks: 'ui-frames: no reset-step',
    from: 'docs/protocol.md: UI message stream',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
