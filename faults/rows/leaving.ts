import { setTimeout as sleep } from 'node:timers/promises';
import { aMoment } from '../rig/instants.ts';
import { PLAIN, type Slot } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { ask, measureUntil, SLACK_MS } from './traffic.ts';

const AT_ONCE = 20;

/** All replicas restart one after the other while streams run on them. */
async function rollingRestart(trial: Trial, streams: number): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, codes: ['draining'] };
  for (const slot of world.slots) {
    const gate = world.model.gate();
    const live: ReturnType<Trial['begin']>[] = [];
    while (live.length < streams) {
      // All at once would only test how fast this machine admits.
      const some = Array.from({ length: Math.min(AT_ONCE, streams - live.length) }, () => {
        const session = trial.session();
        const token = trial.token(session);
        const plan = { words: 10, everyMs: random.int(20, 80), gates: [{ afterWords: 0, gate }] };
        world.model.plan(token, plan);
        return trial.begin(session, { resumes: false }, slot, token);
      });
      live.push(...some);
      while (some.some(({ send }) => send.admittedAt === null && send.endedAt === null)) await sleep(5);
    }
    gate.open();
    await aMoment(trial, 200);
    await leave(trial, slot, 30_000);
    await Promise.all(live.map(({ ended }) => ended));
    await world.revive(slot);
  }
  trial.count('replicas that left', world.slots.length);
}

/** SIGTERM, and checks of readiness and exit. */
async function leave(trial: Trial, slot: Slot, atMostMs: number): Promise<void> {
  trial.note(`${slot.name} gets SIGTERM`);
  const begun = performance.now();
  const left = trial.world.leave(slot);
  // No answer when it had nothing left to do and has exited already.
  await measureUntil(trial, '/readyz says no', 500 + SLACK_MS, async () => {
    return (await ask(slot, '/readyz')).status !== 200;
  });
  const code = await left;
  if (code !== 0) trial.wrong(`${slot.name} left with ${code}`);
  trial.measure('a replica leaves', performance.now() - begun, atMostMs);
}

export const r2: Row = {
  id: 'R2',
  fault: 'SIGTERM of each replica in turn, with live streams on it',
  holds: 'no stream is cut, /readyz is 503 at once, each exits with 0',
  played: '12 streams per replica in the short run, 100 in the long one',
  world: PLAIN,
  isHeavy: true,
  quick: 1,
  long: 10,
  run: (trial) => rollingRestart(trial, trial.isQuick ? 12 : 100),
};

/** The model is slower than the grace period: the turn continues elsewhere. */
async function leaveUnfinished(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, codes: ['draining'] };
  const slot = random.pick(world.slots);
  const turns = Array.from({ length: 4 }, (_, index) => {
    const session = trial.session();
    const token = trial.token(session);
    // The first answer would never end; the next replica gets a quick one.
    world.model.plan(token, {
      words: 20,
      gates: [{ afterWords: random.int(0, 20), gate: world.model.gate() }],
    });
    return trial.begin(session, { route: index % 2 === 0 ? 'stream' : 'json' }, slot, token);
  });
  await aMoment(trial, 300);
  const begun = performance.now();
  await leave(trial, slot, GRACE_MS + 3000 + SLACK_MS);
  await Promise.all(turns.map(({ ended }) => ended));
  trial.measure('answered elsewhere after SIGTERM', performance.now() - begun);
  for (const { send } of turns) {
    if (send.end.kind !== 'done') trial.wrong(`${send.token} ended ${send.end.kind}`, send.session);
  }
  await world.revive(slot);
}

const GRACE_MS = 1000;

export const r3: Row = {
  id: 'R3',
  fault: 'SIGTERM with a model that is slower than SHUTDOWN_GRACE_SECONDS',
  holds:
    'the replica exits with 0 soon after the grace period; the turn is handed over and answered elsewhere',
  played: null,
  world: { ...PLAIN, env: { SHUTDOWN_GRACE_SECONDS: String(GRACE_MS / 1000) } },
  quick: 1,
  long: 20,
  run: leaveUnfinished,
};
