/**
 * The ledger: every promise that a test keeps, by id.
 *
 * `says` is the title of its test, `breaks` names the change of the code that must turn the test red,
 * `seenRed` tells whether someone made that change and saw it.
 */
export const promises = {
  'demo.name.remembers': {
    says: 'the demo model answers with the name that an earlier message told',
    breaks: 'demo-answers nameTold: look only at the newest message',
    seenRed: true,
  },
  'demo.name.only-shown': {
    says: 'the demo model knows no name that its messages do not tell',
    breaks: 'demo-answers: keep the last name in a module variable',
    seenRed: true,
  },
  'demo.name.question-is-no-name': {
    says: 'a question about the name is never taken for a name',
    breaks: 'demo-answers namesIn: drop the noName filter',
    seenRed: true,
  },
  'demo.stream.openai-client': {
    says: 'the official openai client streams an answer of the demo model with its usage',
    breaks: 'demo-model: leave out the usage chunk',
    seenRed: true,
  },
  'demo.stream.stops-when-client-leaves': {
    says: 'the demo model stops an answer when its client leaves',
    breaks: 'demo-model: do not abort the signal on close of the response',
    seenRed: true,
  },
  'demo.long-answer': {
    says: 'the demo model writes an answer of the length asked for, with heading, list and code',
    breaks: 'demo-answers lengthWanted: return undefined',
    seenRed: true,
  },
  'demo.words.join': {
    says: 'the words of a streamed answer join to exactly the answer',
    breaks: 'demo-answers wordsOf: drop the leading blanks of a word',
    seenRed: true,
  },
  'demo.errors.openai-shaped': {
    says: 'the demo model refuses what it cannot answer with an error of the OpenAI shape',
    breaks: 'demo-model readCompletion: accept any model name',
    seenRed: true,
  },
  'support.sse.any-split': {
    says: 'the event parser reads the same events wherever the bytes are split and however lines end',
    breaks: 'parse-sse push: do not hold back a CR at the end of a piece',
    seenRed: true,
  },
  'support.sse.cut-is-told': {
    says: 'the event reader tells a stream that ended from one that was cut',
    breaks: "sse: always report 'terminal'",
    seenRed: true,
  },
  'support.ledger.load': {
    says: 'a promise that is not in the ledger, or says something else there, fails at load',
    breaks: 'promise: do not compare the sentence',
    seenRed: true,
  },
  'support.model.records': {
    says: 'the scripted model records what it was asked and notices a client that leaves',
    breaks: 'scripted-model: do not set aborted',
    seenRed: true,
  },
  'support.model.gate': {
    says: 'a gate holds the scripted model at its place until it is opened',
    breaks: 'model-script wait: do not await the gate',
    seenRed: true,
  },
} as const satisfies Record<string, PromiseEntry>;

interface PromiseEntry {
  readonly says: string;
  readonly breaks: string;
  readonly seenRed: boolean;
}
