import { setTimeout as sleep } from 'node:timers/promises';
import { CLEAN_WIRE } from '../../testkit/redis/wire.ts';
import { PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { TAKEOVER_MS } from './kill.ts';
import { ask, measureUntil, SLACK_MS } from './traffic.ts';

/** Packets between one replica and Redis are lost, without a reset, while a turn runs on it. */
async function partition(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, codes: ['redis_unavailable', 'commit_unknown'] };
  const cutOff = random.pick(world.slots);
  const others = world.slots.filter((slot) => slot !== cutOff);
  const session = trial.session();
  await trial.say(session);
  const token = trial.token(session);
  world.model.plan(token, { words: 10, everyMs: random.int(20, 200) });
  const turn = trial.begin(
    session,
    { route: random.pick(['stream', 'json'] as const), deadlineMs: 120_000 },
    cutOff,
    token,
  );
  await sleep(random.int(20, 400));
  trial.note(`${cutOff.name} is cut off from Redis`);
  cutOff.proxy?.setWire({ isHeld: true });
  const awayMs = trial.isQuick ? 2500 : random.pick([5000, 5000, 30_000]);
  const until = performance.now() + awayMs;
  const refused = trial.session();
  const sentAt = performance.now();
  const send = await trial.say(refused, { route: 'json' }, cutOff);
  trial.measure('503 on a replica that is cut off', performance.now() - sentAt, 1000 + SLACK_MS);
  if (send.end.kind !== 'error' || send.end.status !== 503)
    trial.wrong(`${send.token} ended ${send.end.kind}`);
  const next = await trial.say(session, { deadlineMs: TAKEOVER_MS + 5000 }, random.pick(others));
  if (next.end.kind !== 'done') trial.wrong(`the turn behind was ${next.end.kind}`, session);
  await sleep(Math.max(0, until - performance.now()));
  trial.note(`${cutOff.name} reaches Redis again`);
  cutOff.proxy?.setWire({ isHeld: false });
  await measureUntil(
    trial,
    'ready after a partition',
    5000,
    async () => (await ask(cutOff, '/readyz')).status === 200,
  );
  await turn.ended;
  trial.count('partitions');
}

export const r11: Row = {
  id: 'R11',
  fault: 'one replica is cut off from Redis, packets are lost, for 2.5 s (short run), 5 or 30 s (long run)',
  holds: '503 within 1 s there, the session continues elsewhere, ready within 5 s after',
  played: 'a proxy that passes nothing simulates dropped packets',
  world: PLAIN,
  quick: 1,
  long: 20,
  run: partition,
};

/** A slow, jittery and slicing wire between all replicas and Redis. */
async function slowWire(trial: Trial): Promise<void> {
  const { random, world } = trial;
  const wire = random.pick([
    { name: '50 ± 50 ms', delayMs: 25, jitterMs: 25 },
    { name: 'pieces of one byte', sliceBytes: 1 },
    { name: '64 kB/s', bytesPerSecond: 65_536, delayMs: 5 },
  ]);
  const { name, ...condition } = wire;
  trial.note(`the wire: ${name}`);
  const sessions = Array.from({ length: 4 }, () => trial.session());
  const round = async (label: string) => {
    await Promise.all(
      sessions.map(async (session) => {
        for (let turns = 0; turns < 3; turns += 1) {
          const sentAt = performance.now();
          await trial.say(session, { route: turns === 1 ? 'json' : 'stream' });
          trial.measure(label, performance.now() - sentAt);
        }
      }),
    );
  };
  // Script texts are sent once; that is not the cost of a turn.
  for (const slot of world.slots) await trial.say(trial.session(), {}, slot);
  for (const slot of world.slots) slot.proxy?.setWire(condition);
  await round(`a turn over ${name}`);
  for (const slot of world.slots) slot.proxy?.setWire(CLEAN_WIRE);
}

export const r12: Row = {
  id: 'R12',
  fault: 'the wire to Redis is slow (50 ± 50 ms), sliced into single bytes, or narrow (64 kB/s)',
  holds: 'every turn is answered without a timeout',
  played: null,
  world: PLAIN,
  quick: 2,
  long: 30,
  run: slowWire,
};
