import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../../testkit/http/http.ts';
import { PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { ask, measureUntil, SLACK_MS, startTraffic } from './traffic.ts';

const AWAY_CODES = ['redis_unavailable', 'commit_unknown'];

/** Redis restarts under traffic. */
async function restart(
  trial: Trial,
  how: 'SIGTERM' | 'SIGKILL',
  mayLose: 'nothing' | 'suffix' | 'all',
): Promise<void> {
  const { random, world } = trial;
  trial.asksAll = true;
  const sessions = Array.from({ length: 3 }, () => trial.session());
  for (const session of sessions) await trial.say(session);
  const traffic = startTraffic(trial, sessions, 3);
  await sleep(random.int(100, 400));
  trial.rules = {
    ...trial.rules,
    codes: AWAY_CODES,
    mayLose,
    lossFrom: performance.now(),
    lossUntil: Infinity,
  };
  trial.note(`Redis gets ${how}`);
  if (how === 'SIGKILL') await world.redis.kill();
  await sleep(how === 'SIGKILL' ? random.int(50, 500) : 0);
  await world.redis.restart();
  trial.note('Redis is back');
  trial.count('restarts of Redis');
  await measureUntil(trial, 'ready after Redis is back', 5000, async () => {
    const answers = await Promise.all(world.slots.map((slot) => ask(slot, '/readyz')));
    return answers.every(({ status }) => status === 200);
  });
  await sleep(random.int(50, 200));
  await traffic.stop();
  // Turns that began before the loss have ended by now.
  trial.rules = { ...trial.rules, lossUntil: performance.now() };
  for (const session of sessions) {
    await call(world.slots[0]?.url ?? '', 'GET', `/api/sessions/${session}`);
    await trial.say(session);
  }
}

const persisted = (fsync: string) => ['--appendonly', 'yes', '--appendfsync', fsync];

export const r4: Row = {
  id: 'R4',
  fault: 'Redis with appendfsync everysec is restarted, by SIGTERM or SIGKILL',
  holds: 'SIGTERM loses nothing; SIGKILL at most a suffix; ready within 5 s of Redis',
  played: null,
  world: { ...PLAIN, redisArgs: persisted('everysec') },
  quick: 1,
  long: 20,
  run: (trial) => {
    const how = trial.random.pick(['SIGTERM', 'SIGKILL'] as const);
    return restart(trial, how, how === 'SIGTERM' ? 'nothing' : 'suffix');
  },
};

export const r5: Row = {
  id: 'R5',
  fault: 'Redis with appendfsync always gets SIGKILL and is started again',
  holds: 'nothing acknowledged is lost',
  played: null,
  world: { ...PLAIN, redisArgs: persisted('always') },
  quick: 1,
  long: 20,
  run: (trial) => restart(trial, 'SIGKILL', 'nothing'),
};

export const r6: Row = {
  id: 'R6',
  fault: 'Redis without persistence gets SIGKILL and is started again, empty',
  holds: 'sessions are 404 or restart, never mixed with cached history',
  played: null,
  world: PLAIN,
  quick: 1,
  long: 20,
  run: (trial) => restart(trial, 'SIGKILL', 'all'),
};

/** Redis is away for a while: requests are refused at once, and nothing piles up. */
async function outage(trial: Trial): Promise<void> {
  const { world } = trial;
  trial.rules = { ...trial.rules, codes: AWAY_CODES };
  const sessions = [trial.session(), trial.session()];
  for (const session of sessions) await trial.say(session);
  const rssBefore = await memoryOf(trial);
  const awayMs = trial.isQuick ? 2000 : 60_000;
  for (const slot of world.slots) {
    slot.proxy?.refuse();
    slot.proxy?.cut();
  }
  trial.note('Redis is unreachable');
  const until = performance.now() + awayMs;
  while (performance.now() < until) {
    const slot = trial.anySlot();
    const sentAt = performance.now();
    const send = await trial.say(trial.random.pick(sessions), { route: 'json' }, slot);
    trial.measure('503 while Redis is away', performance.now() - sentAt, 1000 + SLACK_MS);
    if (send.end.kind !== 'error' || send.end.status !== 503)
      trial.wrong(`${send.token} ended ${send.end.kind}`);
    const [live, ready] = await Promise.all([ask(slot, '/livez'), ask(slot, '/readyz')]);
    if (live.status !== 200) trial.wrong(`/livez is ${live.status} without Redis`);
    if (ready.status !== 503) trial.wrong(`/readyz is ${ready.status} without Redis`);
    await sleep(trial.isQuick ? 20 : 100);
  }
  const grownBy = (await memoryOf(trial)) / rssBefore;
  if (grownBy > 1.25) trial.wrong(`memory grew by ${Math.round((grownBy - 1) * 100)}% while Redis was away`);
  for (const slot of world.slots) slot.proxy?.heal();
  trial.note('Redis is reachable again');
  await measureUntil(trial, 'served again after an outage', 5000, async () => {
    const answers = await Promise.all(world.slots.map((slot) => ask(slot, '/readyz')));
    return answers.every(({ status }) => status === 200);
  });
}

/** Resident memory of all replicas together, bytes. */
export async function memoryOf(trial: Trial): Promise<number> {
  let bytes = 0;
  for (const slot of trial.up) {
    const { body } = await call<string>(slot.url, 'GET', '/metrics');
    bytes += Number(/^process_resident_memory_bytes (\S+)$/m.exec(body)?.[1] ?? 0);
  }
  return bytes;
}

export const r7: Row = {
  id: 'R7',
  fault: 'Redis is unreachable for 2 s (short run) or 60 s (long run)',
  holds: '503 within 1 s each, /livez 200, /readyz 503, memory stays bounded, service recovers by itself',
  played: 'memory may grow by 25 %: a quarter is what a garbage collector does anyway',
  world: PLAIN,
  quick: 1,
  long: 3,
  run: outage,
};
