import { keeperOf, type Ledger } from './support/promise.ts';

/** What the tests of this folder keep; `test/support/promise.ts` says what the fields mean. */
export const PROMISES = {
  'arch.no-cycles': {
    says: 'no file imports itself through others, types included',
    breaks: 'conversation/session: import a type of ports',
    from: 'docs/architecture.md: Rooms',
  },
  'arch.env.one-reader': {
    says: 'only the entry point reads the environment',
    breaks: 'shutdown: read a setting from process.env',
    from: 'docs/architecture.md: Rooms',
  },
  'arch.keys.one-maker': {
    says: 'one file spells the Redis keys',
    breaks: 'turn-lookup: spell the metadata key',
    from: 'docs/architecture.md: Rooms',
  },
  'arch.lua.header': {
    says: 'every script uses each key, argument and reply in its header, and no others',
    breaks: 'confirm-turn: leave LATE out of the header',
    from: 'docs/architecture.md: Rooms',
  },
  'arch.lua.keys-declared': {
    says: 'no script builds a key: it touches only keys passed to it',
    breaks: "watch-turn: HSET KEYS[1] .. ':seen'",
    from: 'docs/architecture.md: Rooms',
  },
  'arch.files.short': {
    says: 'no file has more than 300 lines',
    breaks: 'put 300 empty lines into a file',
    from: 'docs/architecture.md: Rooms',
  },
  'arch.types.no-way-out': {
    says: 'no file disables the type checker or the linter',
    breaks: 'clock: type an offset as any',
    from: 'docs/architecture.md: Rooms',
  },
  'arch.no-barrels': {
    says: 'no file only re-exports other files',
    breaks: 'failures: re-export all of clock',
    from: 'docs/architecture.md: Rooms',
  },
  'docs.errors': {
    says: 'docs/errors.md lists exactly the errors in the catalogue',
    breaks: 'errors: make queue_full non-retryable',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.configuration': {
    says: 'docs/configuration.md lists exactly the settings that are read',
    breaks: 'settings: limit QUEUE_MAX to 1000',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.env-example': {
    says: '.env.example lists every setting with its meaning and default, commented out',
    breaks: 'settings: change the default of PORT',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.settings-named': {
    says: 'every setting named in a document or the compose file exists',
    breaks: 'settings: rename MAX_TURNS to MOST_TURNS',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.lifecycle.table': {
    says: 'docs/turn-lifecycle.md has every state by every step, and what makes the step',
    breaks: 'turn: a queued turn that restarts runs',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.lifecycle.picture': {
    says: 'the diagram of the life of a turn shows the same steps as the table',
    breaks: 'turn: a queued turn that restarts runs',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.metrics': {
    says: 'docs/operations.md lists exactly the metrics that exist',
    breaks: 'metrics: add a label to turnwise_failures_total',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.redis.keys': {
    says: 'docs/redis.md lists exactly the keys and channels that the key maker makes',
    breaks: 'keys: rename the queue to :waiting',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.redis.scripts': {
    says: 'docs/redis.md lists every script, and the scripts that write each key',
    breaks: 'scripts: add one',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.protocol.events': {
    says: 'docs/protocol.md lists exactly the events that a reader may see',
    breaks: 'events: add a tool_call',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.guarantees': {
    says: 'every promise named in docs/guarantees.md is in a ledger',
    breaks: 'promises: remove order.woken',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.guarantees.each': {
    says: 'every guarantee names the promise that keeps it',
    breaks: 'guarantees.md: remove an id',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.npm-scripts': {
    says: 'every npm script named in a document exists',
    breaks: 'package.json: rename verify to check',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.files-named': {
    says: 'every file named or linked in a document exists',
    breaks: 'move conversation/prompt.ts',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.decisions': {
    says: 'every decision has question, evidence, choice, price and what would change it, on one page',
    breaks: 'decisions/0003: remove Price',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.errors.balancer': {
    says: 'docs/errors.md lists every reply of the balancer as configured',
    breaks: 'haproxy.cfg: reply 502 with the code internal',
    from: 'CONTRIBUTING.md: Style',
  },
  'docs.compose.settings': {
    says: 'docker-compose.yml passes every setting in .env to the service that reads it',
    breaks: 'docker-compose.yml: leave out QUEUE_MAX',
    from: 'CONTRIBUTING.md: Style',
  },
  'arch.rooms': {
    says: 'each room imports only the rooms and packages that docs/architecture.md names, types included',
    breaks: 'conversation/session.ts: import a type from redis/keys.ts',
    from: 'docs/architecture.md: Rooms',
  },
  'arch.way.order': {
    says: 'each file in the reading order is reached from an earlier one, by import or through its port',
    breaks: 'docs/architecture.md: put ask-model.ts before ask-within-window.ts',
    from: 'docs/architecture.md: Reading order',
  },
} as const satisfies Ledger;

export const { promise, processPromise } = keeperOf(PROMISES);
