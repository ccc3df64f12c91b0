import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { getMessages } from '../../testkit/server/api.ts';
import { PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { ask, measureUntil, SLACK_MS, startTraffic } from './traffic.ts';

/** Redis is full and refuses to write, under load; then it has room again. */
async function full(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, codes: ['storage_full'] };
  const sessions = Array.from({ length: 3 }, () => trial.session());
  for (const session of sessions) await trial.say(session);
  const doomed = trial.session();
  await trial.say(doomed);
  const traffic = startTraffic(trial, sessions, 3);
  await sleep(random.int(50, 300));
  trial.note('Redis is full');
  await world.redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  await world.redis.ask('CONFIG', 'SET', 'maxmemory', 1);
  const until = performance.now() + random.int(300, 1200);
  while (performance.now() < until) {
    const refused = await trial.say(random.pick(sessions), {
      route: random.pick(['json', 'stream'] as const),
    });
    if (refused.end.kind === 'done')
      trial.wrong(`${refused.token} was answered by a full Redis`, refused.session);
    const read = await getMessages(trial.anySlot(), doomed);
    if (read.status !== 200) trial.wrong(`reading is ${read.status} while Redis is full`);
  }
  const deleted = await trial.remove(doomed);
  if (deleted !== 200) trial.wrong(`deleting is ${deleted} while Redis is full`);
  trial.note('Redis has room again');
  await world.redis.ask('CONFIG', 'SET', 'maxmemory', 0);
  const fresh = trial.session();
  await measureUntil(trial, 'answered again when Redis has room', 1000 + SLACK_MS, async () => {
    const { end } = await trial.say(fresh);
    return end.kind === 'done';
  });
  await traffic.stop();
}

export const r14: Row = {
  id: 'R14',
  fault: 'Redis reaches maxmemory with noeviction under load',
  holds: '503 storage_full; reading and deleting work; answered again within 1 s of room',
  played: null,
  world: PLAIN,
  quick: 1,
  long: 20,
  run: full,
};

/** `doctor` reports an evicting policy; half a session is noticed, never served. */
async function evicted(trial: Trial): Promise<void> {
  const { random, world } = trial;
  await world.redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  const told = await doctor(trial);
  await world.redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  if (!/evict|maxmemory-policy|allkeys-lru/i.test(told))
    trial.wrong(`doctor does not report the policy: ${told}`);

  // Not one of the trial's sessions: half of it is deleted, so no invariant holds for it.
  const half = `${trial.session()}-half`;
  const whole = trial.session();
  await trial.say(whole);
  const slot = trial.anySlot();
  await trial.sayUnwatched(slot, half, 'before');
  const lost = random.pick(['messages', 'meta']);
  await world.redis.ask('DEL', `turnwise:{-/${half}}:${lost}`);
  for (const replica of world.slots) {
    const { status } = await ask(replica, `/api/sessions/${half}/messages`);
    const answer = await trial.sayUnwatched(replica, half, 'after');
    // Half a session is refused, or has restarted as a whole.
    const isRefused = answer.status === 500 || answer.status === 404 || answer.status === 409;
    const isAnew = answer.status === 200 && !answer.shown.includes('before');
    if (!isRefused && !isAnew)
      trial.wrong(`without ${lost} a turn is ${answer.status}, shown ${answer.shown}`);
    trial.note(`without ${lost}: messages ${status}, a turn ${answer.status}`);
  }
}

function doctor(trial: Trial): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const env = {
    PATH: process.env.PATH,
    REDIS_URL: trial.world.redis.url,
    OPENAI_MODEL: 'scripted',
    OPENAI_BASE_URL: trial.world.model.url,
  };
  execFile(process.execPath, [trial.world.entry, 'doctor'], { env, timeout: 20_000 }, (_error, out, err) => {
    resolve(`${out}${err}`);
  });
  return promise;
}

export const r15: Row = {
  id: 'R15',
  fault: 'an evicting policy, and one key of a session evicted',
  holds: '`doctor` reports the policy; half a session is refused or restarts, and is never served',
  played: '`doctor` reports the policy; the start of a replica does not',
  world: PLAIN,
  quick: 1,
  long: 10,
  run: evicted,
};
