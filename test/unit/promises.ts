import { keeperOf, type Ledger } from '../support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'demo.name.remembers': {
    says: 'the demo model knows a name that an earlier message gave',
    breaks: 'demo-answers nameTold: look only at the newest message',
    from: 'docs/configuration.md: Model',
  },
  'demo.name.only-shown': {
    says: 'the demo model knows no name that its messages do not give',
    breaks: 'demo-answers: keep the last name in a module variable',
    from: 'docs/configuration.md: Model',
  },
  'demo.name.question-is-no-name': {
    says: 'a question about the name is never taken as a name',
    breaks: 'demo-answers namesIn: drop the noName filter',
    from: 'docs/configuration.md: Model',
  },
  'demo.stream.openai-client': {
    says: 'the official openai client streams an answer of the demo model with its usage',
    breaks: 'demo-model: leave out the usage chunk',
    from: 'docs/configuration.md: Model',
  },
  'demo.stream.stops-when-client-leaves': {
    says: 'the demo model stops an answer when its client disconnects',
    breaks: 'demo-model: do not abort the signal when the response closes',
    from: 'docs/configuration.md: Model',
  },
  'demo.long-answer': {
    says: 'the demo model writes an answer of the requested length, with heading, list and code',
    breaks: 'demo-answers lengthWanted: return undefined',
    from: 'docs/configuration.md: Model',
  },
  'demo.words.join': {
    says: 'the words of a streamed answer, joined, are exactly the answer',
    breaks: 'demo-answers wordsOf: drop leading spaces',
    from: 'docs/configuration.md: Model',
  },
  'demo.errors.openai-shaped': {
    says: 'the demo model rejects a request that it cannot answer, with an error in the OpenAI format',
    breaks: 'demo-model readCompletion: accept any model name',
    from: 'docs/configuration.md: Model',
  },
  'bench.marks.any-split': {
    says: 'the bench counts each token of a stream once, wherever its bytes are split, and knows a stream that was cut',
    breaks: 'live-stream counter: do not look at the seam of two pieces',
    from: 'bench/README.md: How it is measured',
  },
  'bench.targets.judged': {
    says: 'a target of the bench is met when the median keeps its bound, and a ratio without a bound is only reported',
    breaks: 'goals outcomesOf: judge by the least value',
    from: 'bench/README.md: How it is measured',
  },
  'support.sse.any-split': {
    says: 'the event parser reads the same events wherever the bytes are split and however lines end',
    breaks: 'parse-sse push: do not hold back a CR at the end of a chunk',
    from: 'CONTRIBUTING.md: Layers of tests',
  },
  'support.sse.cut-is-told': {
    says: 'the event reader distinguishes a stream that ended from one that was cut',
    breaks: "sse: always report 'terminal'",
    from: 'CONTRIBUTING.md: Layers of tests',
  },
  'support.ledger.load': {
    says: 'a promise whose sentence differs from its ledger fails at load',
    breaks: 'promise: do not compare the sentence',
    from: 'CONTRIBUTING.md: Layers of tests',
  },
  'support.model.records': {
    says: 'the scripted model records its requests and notices a client that disconnects',
    breaks: 'scripted-model: do not set aborted',
    from: 'CONTRIBUTING.md: Layers of tests',
  },
  'support.model.gate': {
    says: 'a gate holds the scripted model until it is opened',
    breaks: 'model-script wait: do not await the gate',
    from: 'CONTRIBUTING.md: Layers of tests',
  },
  'setup.redis-version': {
    says: 'the set-up accepts Redis 7 and Valkey 8 or later under any program name, and nothing older',
    breaks: 'redis-server.mjs productOf: take everything as Redis',
    from: 'README.md: Start in 60 seconds',
  },
  'support.proxy.lost-reply': {
    says: 'the proxy loses the reply of the chosen command, which was executed once',
    breaks: 'proxied-connection #passReply: let every reply pass',
    from: 'CONTRIBUTING.md: Layers of tests',
  },
  'support.proxy.names-scripts': {
    says: 'the proxy names a script by its digest, whether sent as digest or text, and the keys passed to it',
    breaks: 'redis-request: name no script that is sent as text',
    from: 'CONTRIBUTING.md: Layers of tests',
  },
  'support.proxy.way': {
    says: 'the proxy delays in order, makes lasting black holes, cuts, refuses and recovers',
    breaks: 'proxied-connection blackHole: do nothing',
    from: 'CONTRIBUTING.md: Layers of tests',
  },
  'cli.table': {
    says: 'tables stay aligned and fit the terminal, whatever script a title is in',
    breaks: 'cli/table widthOfCharacter: 1 for every character',
    from: 'docs/operations.md: Commands',
  },
  'cli.message-order': {
    says: 'messages that are apart from their turn, or before its user message, are found',
    breaks: 'doctor/message-order: forget turns that ended',
    from: 'docs/operations.md: Commands',
  },
  'cli.reconcile.progress': {
    says: 'a long reconcile shows its progress: one redrawn line on a terminal, otherwise one line a second',
    breaks: 'cli/reconcile: print every step',
    from: 'docs/operations.md: Commands',
  },
  'reconcile.report': {
    says: 'the report adds up all steps and names a bounded number of skipped keys',
    breaks: 'upkeep/reconcile: push all skipped keys',
    from: 'docs/operations.md: Reconcile',
  },
  'reconcile.stops': {
    says: 'a reconcile that is aborted stops at its next step and reports nothing',
    breaks: 'upkeep/reconcile: rest without the signal',
    from: 'docs/operations.md: Reconcile',
  },
  'bulk-gate.line': {
    says: 'large writes go out in order, as many as fit, small ones at once, and a failed one frees its room',
    breaks: 'bulk-gates: let the next one out without checking for room',
    from: 'docs/guarantees.md: Whole, once, or not at all',
  },
  'faults.guards.found': {
    says: 'each guard that the fault rig removes, and the log that the bench removes, occurs exactly once in the built server',
    breaks: 'include/ttl expire_session: reorder its lines',
    from: 'CONTRIBUTING.md: Faults',
  },
  'faults.checker.good': {
    says: 'the fault checker finds nothing in a story without faults',
    breaks: 'checker check: always add a violation',
    from: 'CONTRIBUTING.md: Faults',
  },
  'faults.checker.stored-once': {
    says: 'the fault checker finds a turn that is lost, duplicated or half stored',
    breaks: 'checker stored-once: return nothing',
    from: 'CONTRIBUTING.md: Faults',
  },
  'faults.checker.run-again': {
    says: 'the fault checker lets a failover run a finished turn again, only after the loss',
    breaks: 'facts isRunAgain: ignore when it was asked',
    from: 'CONTRIBUTING.md: Faults',
  },
  'faults.checker.refused': {
    says: 'the fault checker finds a refused turn that is stored, or runs later',
    breaks: 'checker stored-once: return nothing',
    from: 'CONTRIBUTING.md: Faults',
  },
  'faults.checker.prompts': {
    says: 'the fault checker finds stale, foreign and disordered prompts and histories',
    breaks: 'checker true-prefix: return nothing',
    from: 'CONTRIBUTING.md: Faults',
  },
  'faults.checker.ends': {
    says: 'the fault checker finds wrong counts and times, left-overs, hangs and broken streams',
    breaks: 'checker counts: return nothing',
    from: 'CONTRIBUTING.md: Faults',
  },
  'docs.models.end': {
    says: 'docs/models.md has every cell of the rule for the end of an answer',
    breaks: 'answer-end: change any cell',
    from: 'docs/models.md: When is an answer complete?',
  },
  'model.end.every-order': {
    says: 'in every order of text, thoughts, calls, reasons, errors, usage and [DONE], before every end, a whole answer is whole and half of one is not',
    breaks: 'answer-end NEXT_STATE: finished, content: finished',
    from: 'docs/models.md: What is read',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
