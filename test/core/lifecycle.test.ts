import { afterAll, beforeAll, expect } from 'vitest';
import { userInput } from '../../src/conversation/input.ts';
import { textParts } from '../../src/conversation/parts.ts';
import type { Ending } from '../../src/conversation/ports/turns.ts';
import {
  TRANSITIONS,
  TURN_STATUSES,
  type TurnOutcome,
  type TurnProfile,
  type TurnRef,
  type TurnStatus,
  type TurnStep,
} from '../../src/conversation/turn.ts';
import { openRedisRoom, type RedisRoom } from '../../src/redis/redis-room.ts';
import type { RedisServer } from '../../testkit/redis/redis.ts';
import { startStore } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { luaScripts } from '../support/lua-script.ts';
import { promise } from './promises.ts';

let redis: RedisServer;
/** The replica that admits turns, and one that takes them over. */
let own: RedisRoom;
let other: RedisRoom;

beforeAll(async () => {
  ({ redis } = await startStore());
  [own, other] = [openRoom('r1'), openRoom('r2')];
  for (const room of [own, other]) {
    await waitFor(async () => (await room.probe.write().catch(() => null)) === 'ok', { what: 'Redis' });
  }
});
afterAll(() => {
  for (const room of [own, other]) room.close();
});

function openRoom(replicaId: string): RedisRoom {
  const nothing = { cluster: undefined, sentinels: undefined, sentinelName: undefined, authority: undefined };
  const noLogin = {
    username: undefined,
    password: undefined,
    sentinelUsername: undefined,
    sentinelPassword: undefined,
  };
  return openRedisRoom(
    {
      place: { url: redis.url, ...nothing, ...noLogin },
      keyPrefix: 'turnwise',
      replicaId,
      historyCacheBytes: 0,
      turnsPerMinute: 0,
      sessionTtlMs: 60_000,
      logTtlMs: 60_000,
      leaseMs: 60_000,
      queueMax: 10,
      maxMessages: 100,
      maxMessageBytes: 1000,
      maxAttempts: 5,
      maxTotalMs: 60_000,
    },
    { noticed: () => {}, missed: () => {}, failed: () => {}, otherFormat: () => {} },
  );
}

const PROFILE: TurnProfile = {
  agent: 'default',
  model: 'm',
  door: 'native',
  onDisconnect: 'continue',
  echo: '',
  options: {},
};

const keyOf = ({ session, turnId }: TurnRef) => `turnwise:{-/${session.conversationId}}:turn:${turnId}`;

async function admit(turn: TurnRef): Promise<void> {
  const input = userInput('hello');
  const admission = {
    turn,
    ownerAsGiven: '-',
    input,
    profile: PROFILE,
    follows: null,
    onBusy: 'enqueue',
    key: null,
  } as const;
  const { kind } = await own.admission.admit(admission);
  expect(['granted', 'queued']).toContain(kind);
  expect(await own.admission.confirm(turn)).toBe('ok');
}

async function end(turn: TurnRef, outcome: Ending['outcome'], room = own): Promise<void> {
  const stored = await room.store.find(turn);
  const fence = stored?.fence ?? '0';
  const messages = [
    { role: 'user', number: 1, parts: textParts('hello'), createdAtMs: 1, truncated: false },
    { role: 'assistant', number: 2, parts: textParts('answer'), createdAtMs: 1, truncated: false },
  ] as const;
  await room.store.end(turn, fence, () => null, {
    outcome,
    heeds: 'any',
    messages: outcome === 'completed' ? messages : [],
    change: null,
    messageCountBefore: 0,
    finishReason: null,
    usage: [],
    failure: null,
    tail: [{ type: 'cancelled', kept: false, messageCount: 0 }],
    lastId: { fence: Number(fence), seq: 1 },
  });
}

/** A turn in a status, and the turn ahead of it. */
async function turnIn(status: TurnStatus, id: string): Promise<{ turn: TurnRef; ahead: TurnRef | null }> {
  const session = { owner: '-', conversationId: id };
  const [ahead, turn] = [
    { session, turnId: 'ahead' },
    { session, turnId: 'it' },
  ];
  if (status === 'queued') await admit(ahead);
  await admit(turn);
  if (status === 'completed' || status === 'cancelled' || status === 'failed') await end(turn, status);
  // Nothing parks a turn yet.
  if (status === 'parked') await redis.ask('HSET', keyOf(turn), 'status', 'parked');
  return { turn, ahead: status === 'queued' ? ahead : null };
}

/** The scripts, by status and the step that they make in it. */
const SCRIPTS: readonly {
  readonly script: string;
  step(status: TurnStatus): TurnStep;
  run(turn: TurnRef, ahead: TurnRef | null): Promise<unknown>;
}[] = [
  {
    script: 'open-turn',
    step: () => 'grant',
    run: async (turn, ahead) => {
      if (ahead !== null) await end(ahead, 'failed');
      return own.queue.open(turn);
    },
  },
  { script: 'end-turn', step: () => 'commit', run: (turn) => end(turn, 'completed') },
  {
    script: 'end-turn',
    step: (status) => (status === 'queued' ? 'commit' : 'stop'),
    run: (turn) => end(turn, 'cancelled'),
  },
  {
    script: 'end-turn',
    step: (status) => (status === 'queued' ? 'commit' : 'fail'),
    run: (turn) => end(turn, 'failed'),
  },
  {
    script: 'withdraw-turn',
    step: (status) => (status === 'queued' ? 'stop' : 'grant'),
    run: (turn) => own.queue.withdraw(turn, { outcome: 'cancelled', failure: null, condition: 'waits' }),
  },
  {
    script: 'withdraw-turn',
    step: (status) => (status === 'queued' ? 'fail' : 'grant'),
    run: (turn) => own.queue.withdraw(turn, { outcome: 'failed', failure: null, condition: 'waits' }),
  },
  {
    script: 'claim-turn',
    step: (status) => (status === 'queued' ? 'adopt' : 'restart'),
    run: async (turn) => {
      await redis.ask('HSET', keyOf(turn), 'lease', 1);
      await other.takeover.claim(turn, 'dead');
    },
  },
  { script: 'delete-session', step: () => 'forget', run: (turn) => own.sessions.remove(turn.session) },
];

/** Steps of a turn with tools, which no script makes yet. */
const WITHOUT_SCRIPT: ReadonlySet<TurnStep> = new Set(['step', 'park', 'resume']);

promise(
  'lifecycle.scripts',
  'every script moves a turn between statuses as the table of transitions says, or leaves it unchanged',
  async () => {
    const played = new Set<string>();
    for (const status of TURN_STATUSES) {
      for (const [index, { script, step, run }] of SCRIPTS.entries()) {
        const name = step(status);
        // A parked turn is stopped and ended by scripts that come with tools.
        if (status === 'parked' && (name === 'stop' || name === 'fail')) continue;
        const { turn, ahead } = await turnIn(status, `${status}-${index}`);
        await run(turn, ahead);
        const after = await redis.ask('HGET', keyOf(turn), 'status');
        const expected: TurnOutcome = TRANSITIONS[status][name];
        const wanted = expected === 'refused' ? status : expected === 'gone' ? null : expected;
        expect([status, script, name, after]).toEqual([status, script, name, wanted]);
        if (expected !== 'refused') played.add(`${status} ${name}`);
      }
    }
    // Every step of the table that a script can make was made.
    const steps = TURN_STATUSES.flatMap((status) =>
      (Object.entries(TRANSITIONS[status]) as [TurnStep, TurnOutcome][])
        .filter(
          ([name, outcome]) => outcome !== 'refused' && !WITHOUT_SCRIPT.has(name) && status !== 'parked',
        )
        .map(([name]) => `${status} ${name}`),
    );
    expect(steps.filter((one) => !played.has(one))).toEqual([]);
    expect(luaScripts().filter(({ code }) => /'(?:parked|resumed)'/.test(code))).toEqual([]);
  },
);
