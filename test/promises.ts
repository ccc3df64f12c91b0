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
  'takeover.kill.reader-sees-it-go-on': {
    says: 'a reader on another replica sees a killed turn restarted and then answered whole',
    breaks: 'serve: do not call recoverTurns',
    seenRed: false,
  },
  'takeover.kill.nobody-watches': {
    says: 'a killed turn is taken over with no reader and nobody waiting',
    breaks: 'serve: do not call recoverTurns',
    seenRed: false,
  },
  'takeover.kill.order-behind-it': {
    says: 'turns behind a killed one keep their order, those that waited on the dead replica too',
    breaks: 'claim-turn: give an adopted turn a new ticket',
    seenRed: false,
  },
  'takeover.kill.twice': {
    says: 'a turn whose second replica dies too fails as attempts_exhausted, and its readers are told',
    breaks: 'claim-turn: never say exhausted',
    seenRed: false,
  },
  'sleeper.writes-nothing': {
    says: 'a replica that slept past its lease writes nothing, and its own client gets the true answer',
    breaks: 'end-turn, append-log and beat-turn: drop the fence checks',
    seenRed: false,
  },
  'cancel.running.any-replica': {
    says: 'cancel from another replica aborts the model call within a second and keeps the logged deltas',
    breaks: 'live-turns notice: ignore stop',
    seenRed: false,
  },
  'cancel.running.before-first-token': {
    says: 'cancel before the first token leaves nothing',
    breaks: 'ending keptOf: cancel always keeps the user message',
    seenRed: false,
  },
  'cancel.waiting': {
    says: 'a waiting turn that is cancelled ends at once, and the model never hears of it',
    breaks: 'withdraw-turn: leave the turn in the queue',
    seenRed: false,
  },
  'cancel.frozen-replica': {
    says: 'cancel of a turn whose replica is frozen ends it from its log within a second',
    breaks: 'cancel-turn: wait without seizing',
    seenRed: false,
  },
  'delete.ends-turns-everywhere': {
    says: 'deleting a session ends its running and waiting turns with session_deleted on every replica, and nothing comes back',
    breaks: 'delete-session: tell nobody',
    seenRed: false,
  },
  'isolation.replica.same-history': {
    says: 'a replica that never saw a session shows the model exactly the history that another replica made',
    breaks: 'run-turn: leave the history out of the prompt',
    seenRed: false,
  },
  'isolation.replica.killed': {
    says: 'the history that a replica made is whole on the others after it was killed',
    breaks: 'history-cache known: always answer that nothing newer is needed',
    seenRed: false,
  },
  'isolation.sessions.two': {
    says: 'two sessions that alternate over all replicas never see a word of each other',
    breaks: 'keys sessionTag: leave out the conversation id',
    seenRed: false,
  },
  'isolation.sessions.thirty': {
    says: 'thirty parallel sessions on random replicas each get prompts of their own history alone',
    breaks: 'keys sessionTag: leave out the conversation id',
    seenRed: false,
  },
  'isolation.cache.same-bytes': {
    says: 'the model gets the same bytes whether replicas keep histories in memory or not',
    breaks: 'history-cache append: do not check that nothing is missing in between',
    seenRed: false,
  },
  'isolation.delete.knows-nothing': {
    says: 'a session made anew under a deleted id knows nothing of the old one, on every replica',
    breaks: 'session.include history_for: do not compare the epoch',
    seenRed: false,
  },
  'isolation.prefix.two-deployments': {
    says: 'two deployments with different key prefixes on one Redis do not see each other',
    breaks: 'keys makeKeys: ignore the prefix',
    seenRed: false,
  },
} as const satisfies Record<string, PromiseEntry>;

interface PromiseEntry {
  readonly says: string;
  readonly breaks: string;
  readonly seenRed: boolean;
}
