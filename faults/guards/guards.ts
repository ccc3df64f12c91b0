import type { Patch } from '../../test/support/patch.ts';

/** What keeps one or more invariants, and how it is taken out of a copy of the built product. */
export interface Guard {
  readonly name: string;
  /** What the product does without it. */
  readonly without: string;
  readonly patches: readonly Patch[];
  /** Rows that may show it, tried in this order. */
  readonly rows: readonly string[];
}

const script = (name: string) => `redis/scripts/${name}.lua`;

const FENCED =
  "if t[1] ~= 'running' or t[2] ~= fence or m[1] ~= fence or m[2] ~= turn then return {'FENCED'} end";
const HELD_BY_ANOTHER = "if holder and holder ~= value then return {'LOCKED'} end";
const PLACE_CHECK = ' or count ~= tonumber(ARGV[10])';

export const GUARDS: readonly Guard[] = [
  {
    name: 'fence',
    without: 'a commit is taken from whoever sends it, whatever number it carries',
    patches: [
      { file: script('end-turn'), find: FENCED, replace: '' },
      { file: script('end-turn'), find: HELD_BY_ANOTHER, replace: '' },
      { file: script('end-turn'), find: PLACE_CHECK, replace: '' },
    ],
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
    rows: ['R26'],
  },
  {
    name: 'epoch',
    without: 'a replica goes on from what it remembers of a name, whichever session that was',
    patches: [
      { file: script('session.include'), find: 'if epoch == m[1] then', replace: 'if epoch then' },
      {
        file: script('session.include'),
        find: `if last and string.match(last, '"fence":"(%d+)"') == known_fence then`,
        replace: 'if last then',
      },
    ],
    rows: ['R34'],
  },
  {
    name: 'idempotent commit',
    without: 'a commit that is sent again is written again',
    patches: [
      {
        file: script('end-turn'),
        find: "if t[2] == fence and t[1] == outcome then return {'OK', int(now), t[4]} end",
        replace: '',
      },
      {
        file: script('end-turn'),
        find: FENCED,
        replace: "if t[2] ~= fence or m[1] ~= fence then return {'FENCED'} end",
      },
      { file: script('end-turn'), find: PLACE_CHECK, replace: '' },
    ],
    rows: ['R13'],
  },
  {
    name: 'TTL as one',
    without: 'the list of messages gets no end when the other keys of its session do',
    patches: [
      {
        file: script('session.include'),
        find: "for i = 1, 4 do redis.call('PEXPIREAT'",
        replace: "for _, i in ipairs({1, 3, 4}) do redis.call('PEXPIREAT'",
      },
    ],
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
    rows: ['R13b'],
  },
  {
    name: 'recovery',
    without: 'nobody looks for turns whose replica died',
    patches: [
      {
        file: 'conversation/turn-recovery.js',
        find: "const places = await this.#deps.takeover.overdue(AT_ONCE, this.#isSettled ? 'all' : 'released');",
        replace: 'const places = [];',
      },
    ],
    rows: ['R1'],
  },
  {
    name: 'log ids',
    without: 'a reader of the log takes every event that it finds, whatever its id',
    patches: [
      {
        file: 'redis/event-log.js',
        find: '.filter((placed) => isAfter(placed.id, last))',
        replace: '',
      },
    ],
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
    rows: ['R27'],
  },
];
