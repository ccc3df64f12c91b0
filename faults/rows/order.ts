import { setTimeout as sleep } from 'node:timers/promises';
import { holdAt, INSTANTS } from '../rig/instants.ts';
import { PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { SLACK_MS, startTraffic } from './traffic.ts';

const LATE_TURNS = 6;

/** Many turns of one session at once, and some that arrive while those wait. */
async function hotSession(trial: Trial): Promise<void> {
  const { random, world } = trial;
  const [turns, modelMs] = [trial.isQuick ? 50 : 100, trial.isQuick ? 20 : 50];
  const session = trial.session();
  world.model.setUsual({ words: 2, firstMs: modelMs, everyMs: 0 });
  const begun = performance.now();
  const sends = Array.from({ length: turns }, (_, index) =>
    trial.begin(
      session,
      { route: index % 3 === 0 ? 'json' : 'stream', deadlineMs: 60_000 },
      trial.slot(random.int(0, 2)),
    ),
  );
  // Parallel turns have no known order; each of these is sent after the previous one was accepted.
  for (let late = 0; late < LATE_TURNS; late += 1) {
    const one = trial.begin(session, { route: 'stream', deadlineMs: 60_000 }, trial.slot(random.int(0, 2)));
    sends.push(one);
    while (one.send.admittedAt === null && one.send.endedAt === null) await sleep(1);
  }
  await Promise.all(sends.map(({ ended }) => ended));
  world.model.setUsual({});
  trial.measure(
    `${turns} turns of one session`,
    performance.now() - begun,
    sends.length * (modelMs * 1.1 + 20) + SLACK_MS,
  );
  for (const { send } of sends)
    if (send.end.kind !== 'done') trial.wrong(`${send.token} ended ${send.end.kind}`, session);
}

export const r26: Row = {
  id: 'R26',
  fault:
    '50 (short run) or 100 turns of one session at once over 3 replicas, and 6 one after the other behind them',
  holds: 'all are answered in the order of admission, hardly later than the model allows',
  played: 'the order is that of admission in Redis',
  world: PLAIN,
  quick: 1,
  long: 20,
  run: hotSession,
};

/** Many sessions side by side. */
async function manySessions(trial: Trial): Promise<void> {
  const [sessions, turns] = trial.isQuick ? [40, 3] : [1000, 10];
  await Promise.all(
    Array.from({ length: sessions }, async () => {
      const session = trial.session();
      await sleep(trial.random.int(0, sessions * 2));
      for (let turn = 0; turn < turns; turn += 1) {
        const sentAt = performance.now();
        const { end } = await trial.say(session, { deadlineMs: 60_000 });
        trial.measure('a turn among many sessions', performance.now() - sentAt);
        if (end.kind !== 'done') trial.wrong(`a turn ended ${end.kind}`, session);
      }
    }),
  );
}

export const r27: Row = {
  id: 'R27',
  fault: '40 sessions × 3 turns (short run) or 1,000 × 10',
  holds: 'all are answered, none with an error',
  played: null,
  world: PLAIN,
  quick: 1,
  long: 1,
  run: manySessions,
};

/** A session is deleted while its turn is held at an instant; a new one begins under its name at once. */
async function deleteDuring(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.asksAll = true;
  const session = trial.session();
  for (let turns = random.int(1, 3); turns > 0; turns -= 1) await trial.say(session);
  const slot = random.pick(world.slots);
  const instant = random.pick(INSTANTS.slice(1));
  const token = trial.token(session);
  const { reached, held } = holdAt(trial, slot, session, token, instant);
  const turn = trial.begin(session, { route: random.pick(['json', 'stream'] as const) }, slot, token);
  await Promise.race([reached, turn.ended]);
  // By other replicas: the wire of this one may be held.
  const others = world.slots.filter((one) => one !== slot);
  const waits = random.next() < 0.5 ? trial.begin(session, {}, random.pick(others)) : null;
  if (waits !== null) await sleep(random.int(0, 30));
  trial.note(`DELETE ${instant}`);
  const status = await trial.remove(session, random.pick(others));
  if (status !== 200) trial.wrong(`DELETE answers ${status}`, session);
  const anew = random.next() < 0.7 ? trial.begin(session, {}, random.pick(others)) : null;
  if (random.next() < 0.5) await sleep(random.int(0, 100));
  held.release();
  await Promise.all([turn.ended, waits?.ended, anew?.ended]);
  if (anew !== null && anew.send.end.kind !== 'done')
    trial.wrong(`the new session ended ${anew.send.end.kind}`, session);
  trial.count('deletes');
}

export const r34: Row = {
  id: 'R34',
  fault: 'DELETE at a seeded instant of a running turn, a new session under the same name at once',
  holds: 'nothing of the old session comes back, on no replica',
  played: null,
  world: PLAIN,
  quick: 3,
  long: 100,
  run: deleteDuring,
};

/** Streams are dropped at random events and resumed on another replica. */
async function resume(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, codes: ['turn_not_found'] };
  await Promise.all(
    Array.from({ length: trial.isQuick ? 6 : 20 }, async () => {
      const session = trial.session();
      const token = trial.token(session);
      world.model.plan(token, { words: random.int(5, 30), everyMs: random.int(0, 15) });
      const send = await trial.say(
        session,
        { dropsAfter: Array.from({ length: 4 }, () => random.int(1, 8)) },
        undefined,
        token,
      );
      if (send.end.kind !== 'done') trial.wrong(`a resumed stream ended ${send.end.kind}`, session);
    }),
  );
  trial.count('streams resumed', trial.isQuick ? 6 : 20);
}

export const r38: Row = {
  id: 'R38',
  fault: 'a reader drops its stream after random events and resumes on another replica',
  holds: 'it reads the same as an uninterrupted reader: no gap, no repeat',
  played: 'a turn without a record is 404 turn_not_found',
  world: PLAIN,
  quick: 1,
  long: 40,
  run: resume,
};

/** All `on_busy` modes mixed, with cancels from any replica, and no other fault. */
async function policies(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, codes: ['session_busy'] };
  world.model.setUsual({ words: 10, firstMs: 10, everyMs: 6 });
  const sessions = Array.from({ length: 3 }, () => trial.session());
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      for (let turns = 0; turns < 4; turns += 1) {
        const session = random.pick(sessions);
        const onBusy = random.pick([
          'enqueue',
          'enqueue',
          'interrupt',
          'rollback',
          'coalesce',
          'reject',
        ] as const);
        const { send, ended } = trial.begin(session, {
          onBusy,
          route: random.pick(['json', 'stream'] as const),
        });
        if (random.next() < 0.25) {
          await sleep(random.int(0, 80));
          if (send.turnId !== null) await trial.cancel(session, send.turnId);
        }
        await ended;
      }
    }),
  );
  world.model.setUsual({});
}

export const policiesRow: Row = {
  id: 'P1',
  fault: 'all of on_busy and cancel, mixed at random over three sessions and replicas',
  holds: 'only the ten invariants',
  played: null,
  world: PLAIN,
  quick: 1,
  long: 60,
  run: policies,
};

/** The reconcile job runs continuously beside live turns, and a worker dies in the middle. */
async function reconcileBeside(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, mayCut: true };
  const sessions = Array.from({ length: 12 }, () => trial.session());
  const traffic = startTraffic(trial, sessions, 5);
  const rounds = trial.isQuick ? 1 : 6;
  for (let round = 0; round < rounds; round += 1) {
    await trial.reconcile();
    await sleep(random.int(0, 200));
  }
  const victim = random.pick(world.slots);
  trial.note(`kill -9 of ${victim.name}, which also runs jobs`);
  await world.kill(victim);
  await trial.reconcile();
  await world.revive(victim);
  await traffic.stop();
  await trial.reconcile();
  const again = await trial.reconcile();
  const changed = CHANGES.filter((name) => Number(again[name]) !== 0);
  if (changed.length > 0) trial.wrong(`a second reconcile changed something again: ${changed.join(' ')}`);
}

const CHANGES = [
  'index_removed',
  'index_added',
  'counts_repaired',
  'queue_dropped',
  'ttl_repaired',
  'sessions_freed',
];

export const r33: Row = {
  id: 'R33',
  fault: 'continuous reconciles beside live turns, and a worker killed',
  holds: 'counts stay correct; a second reconcile changes nothing',
  played: 'started by the command',
  world: { ...PLAIN, env: { RECONCILE_INTERVAL_SECONDS: '1' } },
  quick: 1,
  long: 20,
  run: reconcileBeside,
};
