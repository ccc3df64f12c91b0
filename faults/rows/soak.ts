import { setTimeout as sleep } from 'node:timers/promises';
import { startHaproxy } from '../../testkit/http/haproxy.ts';
import { call } from '../../testkit/http/http.ts';
import { CLEAN_WIRE } from '../../testkit/redis/wire.ts';
import { metric } from '../rig/read-end.ts';
import { LOCK_TTL_MS, PLAIN, type Slot } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { startTraffic } from './traffic.ts';

/** One fault, and the time until everything has recovered. */
type Fault = (trial: Trial, slot: Slot) => Promise<void>;

const FAULTS: Readonly<Record<string, Fault>> = {
  'kill -9': async ({ world }, slot) => {
    await world.kill(slot);
    await world.revive(slot);
  },
  SIGTERM: async ({ world }, slot) => {
    await world.leave(slot);
    await world.revive(slot);
  },
  SIGSTOP: async (_trial, slot) => {
    slot.process.pause();
    await sleep(LOCK_TTL_MS + 1500);
    slot.process.resume();
  },
  'a black hole': async (_trial, slot) => {
    slot.proxy?.setWire({ isHeld: true });
    await sleep(1500);
    slot.proxy?.setWire({ isHeld: false });
  },
  'a slow wire': async (_trial, slot) => {
    slot.proxy?.setWire({ delayMs: 20, jitterMs: 40 });
    await sleep(3000);
    slot.proxy?.setWire(CLEAN_WIRE);
  },
  'broken connections': async (_trial, slot) => {
    for (let times = 0; times < 5; times += 1) {
      slot.proxy?.cut();
      await sleep(150);
    }
  },
  'lost replies': async (trial, slot) => {
    for (const name of ['end-turn', 'admit-turn', 'append-log', 'end-turn', 'confirm-turn']) {
      const trap = slot.proxy?.loseReply((request) => request.name === name);
      await Promise.race([trap?.caught, sleep(500)]);
      trap?.remove();
    }
    trial.count('lost replies in the soak', 5);
  },
  'SIGKILL of Redis': async ({ world }) => {
    await world.redis.kill();
    await sleep(300);
    await world.redis.restart();
  },
};

/** Mixed traffic through a balancer for 20 seconds with one random fault; the first replica is not disturbed. */
async function round(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.rules = {
    ...trial.rules,
    mayCut: true,
    codes: ['redis_unavailable', 'commit_unknown', 'draining', 'overloaded', 'replica_lost'],
  };
  const roundMs = trial.isQuick ? 4000 : 20_000;
  const until = performance.now() + roundMs;
  await sample(trial);
  const balancer = await startHaproxy(world.slots.map((slot) => Number(new URL(slot.url).port)));
  try {
    trial.goesThrough({ name: 'HAProxy', url: balancer.url });
    const sessions = Array.from({ length: 12 }, () => trial.session());
    world.model.setUsual({ words: 12, firstMs: 20, everyMs: 10 });
    const traffic = startTraffic(trial, sessions, 6, 200);
    await sleep(random.int(500, roundMs / 4));
    const name = random.pick(Object.keys(FAULTS));
    const slot = random.pick(world.slots.slice(1));
    trial.note(`${name} at ${slot.name}`);
    trial.count(name);
    await FAULTS[name]?.(trial, slot);
    trial.note(`${name} has ended`);
    while (performance.now() < until) {
      await sample(trial);
      await sleep(Math.min(5000, Math.max(1, until - performance.now())));
    }
    await traffic.stop();
  } finally {
    world.model.setUsual({});
    trial.goesThrough(null);
    await balancer.stop();
  }
  await sample(trial);
}

async function sample(trial: Trial): Promise<void> {
  const { body } = await call<string>(trial.slot(0).url, 'GET', '/metrics');
  trial.samples.push({
    at: performance.now(),
    rssBytes: metric(body, 'process_resident_memory_bytes') ?? 0,
    openFiles: metric(body, 'process_open_fds') ?? 0,
  });
}

export const r37: Row = {
  id: 'R37',
  fault: '30 minutes of mixed traffic through HAProxy, one random fault each 20 s, in rounds of 20 s',
  holds: 'memory and descriptors of the undisturbed replica stay as they were',
  played:
    'checked after each round; a killed replica comes back on a new port, so HAProxy is restarted each round',
  world: { ...PLAIN, redisArgs: ['--appendonly', 'yes', '--appendfsync', 'always'] },
  quick: 0,
  long: 90,
  run: round,
};
