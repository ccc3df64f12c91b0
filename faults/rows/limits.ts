import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../../testkit/http/http.ts';
import { getSession, listSessions, type SessionListBody } from '../../testkit/server/api.ts';
import { PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';

const MESSAGE_BYTES = 2000;
const MAX_MESSAGES = 12;

/** Messages at the limit, histories past theirs, prompts that do not fit. */
async function sizes(trial: Trial): Promise<void> {
  const { world } = trial;
  trial.rules = { ...trial.rules, hasWindow: true, codes: ['too_large'] };
  for (const [over, status] of [
    [-1, 200],
    [0, 200],
    [1, 413],
  ] as const) {
    const session = `${trial.session()}-size`;
    const answer = await trial.sayUnwatched(trial.anySlot(), session, 'x'.repeat(MESSAGE_BYTES + over));
    if (answer.status !== status) trial.wrong(`a message of the limit and ${over} bytes is ${answer.status}`);
    if (status === 413 && (await getSession(trial.anySlot(), session)).status !== 404) {
      trial.wrong('a message over the limit left a session');
    }
  }
  const session = trial.session();
  trial.asksAll = true;
  world.model.setUsual({ words: 40, everyMs: 0 });
  for (let turns = 0; turns < MAX_MESSAGES; turns += 1) await trial.say(session);
  world.model.setUsual({});
}

export const r29: Row = {
  id: 'R29',
  fault:
    'messages one byte below, at and above the limit; a history past SESSION_MAX_MESSAGES and past the context',
  holds: '413 and nothing written above it; oldest whole turns are dropped or left out of the prompt',
  played: 'a long history is trimmed by whole turns',
  world: {
    ...PLAIN,
    env: {
      MAX_MESSAGE_BYTES: String(MESSAGE_BYTES),
      SESSION_MAX_MESSAGES: String(MAX_MESSAGES),
      CONTEXT_TOKENS: '600',
    },
  },
  quick: 1,
  long: 10,
  run: sizes,
};

const TTL_MS = 2000;
const SHORT_LIVED = { ...PLAIN, env: { SESSION_TTL_SECONDS: String(TTL_MS / 1000), WORKER: 'off' } };

/** Many sessions expire in the same moment, while turns arrive for them; nothing outlives them. */
async function herd(trial: Trial): Promise<void> {
  const { random } = trial;
  const sessions = Array.from({ length: trial.isQuick ? 20 : 300 }, () => trial.session());
  const firsts = await Promise.all(sessions.map((session) => trial.say(session)));
  const [racing, dying] = [
    sessions.filter((_, at) => at % 2 === 0),
    sessions.filter((_, at) => at % 2 === 1),
  ];
  const races = racing.map(async (session) => {
    // Around its expiry: it continues or restarts, but is never half.
    await sleep(Math.max(0, TTL_MS + random.int(-60, 60)));
    const before = performance.now();
    const race = `${session}-race`;
    await trial.sayUnwatched(trial.anySlot(), race, 'one');
    await sleep(Math.max(0, TTL_MS - (performance.now() - before) + random.int(-40, 20)));
    const { status, shown } = await trial.sayUnwatched(trial.anySlot(), race, 'two');
    if (status !== 200) trial.wrong(`a turn at the expiry of a session is ${status}`, session);
    if (shown !== '' && !shown.includes('one'))
      trial.wrong(`a turn at the expiry was shown ${shown}`, session);
  });
  await sleep(TTL_MS + 300);
  for (const [at, session] of dying.entries()) {
    const turnId = firsts[sessions.indexOf(session)]?.turnId ?? '';
    trial.expired(session, await outlives(trial, session, turnId, at < 5));
  }
  await Promise.all(races);
  for (const session of racing) trial.expired(session, []);
}

/** Remains of an expired session; a new turn under its name must know nothing. */
async function outlives(
  trial: Trial,
  session: string,
  turnId: string,
  asksAgain: boolean,
): Promise<readonly string[]> {
  const found: string[] = [];
  const slot = trial.anySlot();
  for (const path of ['', '/messages', `/turns/${turnId}`, `/turns/${turnId}/stream`]) {
    const { status } = await call(slot.url, 'GET', `/api/sessions/${session}${path}`);
    if (status !== 404) found.push(`${path === '' ? 'the session' : path} is ${status} after its expiry`);
  }
  if (asksAgain) {
    const { status, code, shown } = await trial.sayUnwatched(slot, session, 'anew');
    if (status !== 200) found.push(`a new turn under its name is ${status} ${code}`);
    if (/-m\d/.test(shown)) found.push(`a new turn under its name was shown ${shown}`);
  }
  return found;
}

export const r30: Row = {
  id: 'R30',
  fault: 'many sessions expire together, with turns arriving in that moment',
  holds: 'no 5xx; a turn continues or restarts its session; nothing of a session outlives it',
  played: '20 sessions in the short run, 300 in the long one',
  world: SHORT_LIVED,
  quick: 1,
  long: 10,
  run: herd,
};

/** The model takes longer than the TTL of the session. */
async function longTurn(trial: Trial): Promise<void> {
  const session = trial.session();
  await trial.say(session);
  const token = trial.token(session);
  trial.world.model.plan(token, { words: 4, firstMs: TTL_MS + 800, everyMs: 100 });
  const turn = trial.begin(session, {}, trial.anySlot(), token);
  const behind = trial.begin(session, { route: 'json' });
  await Promise.all([turn.ended, behind.ended]);
  for (const { end } of [turn.send, behind.send]) {
    if (end.kind !== 'done') trial.wrong(`a turn longer than the session TTL ended ${end.kind}`, session);
  }
}

export const r31: Row = {
  id: 'R31',
  fault: 'the model takes longer than SESSION_TTL_SECONDS',
  holds: 'the session lives as long as its turn, with its history and its queue',
  played: null,
  world: SHORT_LIVED,
  quick: 1,
  long: 20,
  run: longTurn,
};

/** Listing page by page while the list changes. */
async function listing(trial: Trial): Promise<void> {
  const { random, world } = trial;
  const count = trial.isQuick ? 120 : 10_000;
  const stable = Array.from({ length: count }, (_, index) => `${trial.tag}-list${index}`);
  const work = [...stable];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let session = work.pop(); session !== undefined; session = work.pop()) {
        const { status } = await trial.sayUnwatched(trial.anySlot(), session, 'hello');
        if (status !== 200) work.push(session);
      }
    }),
  );
  const commands = await trial.monitor(async () => {
    const state = { isOver: false };
    const change = async () => {
      for (let turn = 0; !state.isOver; turn += 1) {
        await trial.sayUnwatched(trial.anySlot(), `${trial.tag}-new${turn}`, 'hello');
      }
    };
    const changing = change();
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const begun = performance.now();
      const slot = random.pick(world.slots);
      const query: string = `limit=${trial.isQuick ? 20 : 100}${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { body }: { body: SessionListBody } = await listSessions(slot, query);
      trial.measure('a page of sessions', performance.now() - begun);
      seen.push(...body.sessions.map((session) => session.session_id));
      cursor = body.next_cursor;
    }
    state.isOver = true;
    await changing;
    const times = new Map<string, number>();
    for (const session of seen) times.set(session, (times.get(session) ?? 0) + 1);
    const missing = stable.filter((session) => !times.has(session));
    if (missing.length > 0)
      trial.wrong(`${missing.length} of ${count} sessions were not listed, such as ${missing[0]}`);
    const twice = stable.filter((session) => (times.get(session) ?? 0) > 1);
    if (twice.length > 0) trial.wrong(`${twice.length} sessions were listed twice, such as ${twice[0]}`);
  });
  const walks = commands.filter((command) => command === 'keys' || command === 'scan');
  if (walks.length > 0) trial.wrong(`${walks.length} times KEYS or SCAN while requests were served`);
  if (commands.length === 0) trial.wrong('MONITOR saw nothing');
}

export const r28: Row = {
  id: 'R28',
  fault: '120 (short run) or 10,000 sessions listed page by page while the list changes',
  holds: 'no remaining session is missing or duplicated; no KEYS, no SCAN',
  played: '10,000 sessions',
  world: { ...PLAIN, env: { WORKER: 'off' } },
  isHeavy: true,
  quick: 1,
  long: 2,
  run: listing,
};

/** Keys of a session were edited by hand. */
async function poisoned(trial: Trial): Promise<void> {
  const { random, world } = trial;
  const good = trial.session();
  await trial.say(good);
  const poisons: [string, (key: (name: string) => string) => (string | number)[]][] = [
    ['messages of another type', (key) => ['SET', key('messages'), 'text']],
    ['a message that is not JSON', (key) => ['LSET', key('messages'), 0, '{']],
    ['a message without fields', (key) => ['LSET', key('messages'), 0, '{"id":"m0"}']],
    ['a message of another session', (key) => ['LSET', key('messages'), 0, foreign]],
    ['metadata of another type', (key) => ['SET', key('meta'), 'text']],
    ['a wrong count', (key) => ['HSET', key('meta'), 'message_count', 7]],
    ['a count that is not a number', (key) => ['HSET', key('meta'), 'message_count', 'many']],
    ['a queue of another type', (key) => ['SET', key('queue'), 'text']],
    ['messages without a TTL', (key) => ['PERSIST', key('messages')]],
    ['a fence that is not a number', (key) => ['HSET', key('meta'), 'fence', 'x']],
  ];
  for (const [name, poison] of trial.isQuick ? random.shuffle(poisons).slice(0, 5) : poisons) {
    const session = `${trial.tag}-poison${poisons.findIndex(([other]) => other === name)}`;
    const slot = trial.anySlot();
    await trial.sayUnwatched(slot, session, 'hello');
    const [command, ...args] = poison((key) => `turnwise:{-/${session}}:${key}`);
    await world.redis.ask(String(command), ...args);
    for (const replica of world.slots) {
      const { status, code, shown } = await trial.sayUnwatched(replica, session, 'again');
      const isTold = status === 500 && code === 'corrupt_session';
      if (status >= 500 && !isTold) trial.wrong(`${name}: a turn is ${status} ${code}`);
      if (shown.includes('foreign')) trial.wrong(`${name}: the model was shown ${shown}`);
      const { end } = await trial.say(good, {}, replica);
      if (end.kind !== 'done') trial.wrong(`${name}: another session ends ${end.kind}`);
    }
    trial.count('poisoned keys');
  }
}

const foreign = JSON.stringify({
  id: 'm0',
  session: '-/another',
  turn_id: 't0',
  role: 'user',
  created_at: '2026-01-01T00:00:00.000Z',
  content: 'foreign',
});

export const r32: Row = {
  id: 'R32',
  fault:
    'keys of a session are edited by hand: wrong types, broken JSON, foreign messages, wrong counts, no TTL',
  holds: 'only that session is affected, with corrupt_session; the others are unchanged',
  played: 'a value of 100 MB is not tried',
  world: PLAIN,
  quick: 1,
  long: 10,
  run: poisoned,
};
