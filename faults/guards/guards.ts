import type { Patch } from '../../testkit/patch.ts';
import type { Violation } from '../checker/story.ts';

/** What keeps one or more invariants, and how it is taken out of a copy of the built product. */
export interface Guard {
  readonly name: string;
  /** What the product does without it. */
  readonly without: string;
  readonly patches: readonly Patch[];
  /** What must be seen broken without it; `figure`: what the row itself demands. */
  readonly breaks: Violation['invariant'];
  /** Rows that may show it, tried in this order. */
  readonly rows: readonly string[];
}

const script = (name: string) => `redis/scripts/${name}.lua`;

const FENCED =
  "if t[1] ~= 'running' or t[2] ~= fence or m[1] ~= fence or m[2] ~= turn_id then return FENCED end";
const HELD_BY_ANOTHER = 'if holder and holder ~= lock_value then return LOCKED end';
const LOCK_TAKEN = `const lock = await this.#try(() => this.#redlock.acquire([key], this.#ttlMs));
        return lock === 'locked' ? null : this.#leaseOf(lock);`;
const PLACE_CHECK = ' or count ~= count_before';

export const GUARDS: readonly Guard[] = [
  {
    name: 'fence',
    without: 'a commit is taken from whoever sends it, whatever number it carries',
    patches: [
      { file: script('end-turn'), find: FENCED, replace: '' },
      { file: script('end-turn'), find: HELD_BY_ANOTHER, replace: '' },
      { file: script('end-turn'), find: PLACE_CHECK, replace: '' },
    ],
    breaks: 'I1',
    rows: ['R25', 'R24'],
  },
  {
    name: 'queue',
    without: 'of those that wait the newest goes first',
    patches: [
      {
        file: script('admit-turn'),
        find: "redis.call('ZADD', QUEUE, ticket, member)",
        replace: "redis.call('ZADD', QUEUE, -ticket, member)",
      },
    ],
    breaks: 'I5',
    rows: ['R26'],
  },
  {
    name: 'epoch',
    without: 'a replica goes on from what it remembers of a name, whichever session that was',
    patches: [
      {
        file: script('include/history'),
        find: 'if epoch == s.epoch and generation == s.generation then',
        replace: 'if epoch then',
      },
      {
        file: script('include/history'),
        find: 'if known_count == s.count and known_last == s.last then',
        replace: 'if known_count == s.count then',
      },
      {
        file: script('include/history'),
        find: 'if last and string.sub(last, 1, #prefix) == prefix then',
        replace: 'if last then',
      },
      {
        file: 'redis/sessions/history-cache.js',
        find: 'const meets = continues && isSame &&',
        replace: 'const meets = continues && entry !== undefined &&',
      },
    ],
    breaks: 'I4',
    rows: ['R34'],
  },
  {
    name: 'idempotent commit',
    without: 'a commit that is sent again is written again',
    patches: [
      {
        file: script('end-turn'),
        find: "if t[2] == fence and t[1] == outcome then return OK{now_ms = int(now_ms), count = t[4] or '0'} end",
        replace: '',
      },
      {
        file: script('end-turn'),
        find: FENCED,
        replace: 'if t[2] ~= fence or m[1] ~= fence then return FENCED end',
      },
      { file: script('end-turn'), find: PLACE_CHECK, replace: '' },
    ],
    breaks: 'I1',
    rows: ['R13'],
  },
  {
    name: 'TTL as one',
    without: 'the list of messages gets no end when the other keys of its session do',
    patches: [
      {
        file: script('include/ttl'),
        find: "redis.call('PEXPIREAT', MESSAGES, at)",
        replace: '',
      },
    ],
    breaks: 'I7',
    rows: ['R30'],
  },
  {
    name: 'confirmed admission',
    without: 'a turn is taken over although its replica never confirmed that it is in',
    patches: [
      {
        file: script('claim-turn'),
        find: "if not is_confirmed() then why = 'unconfirmed'",
        replace: "if false then why = 'unconfirmed'",
      },
    ],
    breaks: 'I2',
    rows: ['R13b'],
  },
  {
    name: 'recovery',
    without: 'nobody looks for turns whose replica died',
    patches: [
      {
        file: 'conversation/run/turn-recovery.js',
        find: "const turns = await this.#core.takeover.overdue(AT_ONCE, this.#isSettled ? 'all' : 'released');",
        replace: 'const turns = [];',
      },
    ],
    breaks: 'I8',
    rows: ['R1'],
  },
  {
    name: 'log ids',
    without: 'a reader of the log takes every event that it finds, whatever its id',
    patches: [
      {
        file: 'redis/turns/event-log.js',
        find: '.filter((placed) => isAfter(placed.id, last))',
        replace: '',
      },
    ],
    breaks: 'I9',
    rows: ['R13', 'R38'],
  },
  {
    name: 'keys of its own',
    without: 'sessions whose names differ only in their last part share their keys',
    patches: [
      {
        file: 'redis/keys.js',
        find: `return \`\${session.owner}/\${session.conversationId}\`;`,
        replace: `return \`\${session.owner}/\${session.conversationId.replace(/-s\\d+$/, '')}\`;`,
      },
    ],
    breaks: 'I10',
    rows: ['R27'],
  },
  {
    name: 'lock',
    without: 'the lock is never written, and each who asks is told that it holds it',
    patches: [
      {
        file: 'redis/sessions/session-lock.js',
        find: LOCK_TAKEN,
        replace: "return { value: key, extend: async () => 'held', release: async () => undefined };",
      },
    ],
    breaks: 'figure',
    rows: ['R39'],
  },
];
