import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { openStream } from '../../testkit/http/sse.ts';
import { applyPatch, type Patch } from '../../testkit/patch.ts';
import { startReplica } from '../../testkit/server/replica.ts';
import { holdAt, INSTANTS } from '../rig/instants.ts';
import { copyProduct } from '../rig/product.ts';
import { LOCK_TTL_MS, PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { overslept } from './pause.ts';
import { ask, measureUntil, startTraffic } from './traffic.ts';

const SHIMS = `--import=${pathToFileURL(join(import.meta.dirname, '..', 'rig', 'shims.mjs')).href}`;
const HOUR_MS = 3_600_000;
const BUSY_MS = LOCK_TTL_MS + 2000;
const SHIMMED = { NODE_OPTIONS: SHIMS, FAULTS_BUSY_MS: String(BUSY_MS) };

/** The clocks of the replicas are an hour ahead, right, and an hour behind; then one dies, one sleeps. */
async function skewedClocks(trial: Trial): Promise<void> {
  const { random, world } = trial;
  // A replica that sleeps in the middle of an admission refuses it when it wakes.
  trial.rules = { ...trial.rules, mayCut: true, codes: ['redis_unavailable'] };
  const sessions = [trial.session(), trial.session()];
  const traffic = startTraffic(trial, sessions, 3);
  const session = trial.session();
  const victim = random.pick(world.slots);
  const token = trial.token(session);
  const { reached, held } = holdAt(trial, victim, session, token, random.pick(INSTANTS.slice(1, 4)));
  const turn = trial.begin(session, {}, victim, token);
  await Promise.race([reached, turn.ended]);
  const sleeps = random.next() < 0.5;
  trial.note(`${victim.name} ${sleeps ? 'sleeps' : 'dies'}`);
  if (sleeps) victim.process.pause();
  else await world.kill(victim);
  const next = await trial.say(session, {}, random.pick(world.slots.filter((slot) => slot !== victim)));
  if (next.end.kind !== 'done') trial.wrong(`the turn behind ended ${next.end.kind}`, session);
  if (sleeps) victim.process.resume();
  held.release();
  await turn.ended;
  await traffic.stop();
  if (!sleeps) await world.revive(victim);
}

export const r23: Row = {
  id: 'R23',
  fault: 'the clocks of two replicas are an hour ahead and behind, and a replica dies or sleeps',
  holds: 'takeover, order and expiry are as with correct clocks',
  played: 'the clock of the Redis host is left out: it needs a second machine',
  world: {
    ...PLAIN,
    env: SHIMMED,
    slotEnv: [{ FAULTS_CLOCK_SKEW_MS: String(HOUR_MS) }, {}, { FAULTS_CLOCK_SKEW_MS: String(-HOUR_MS) }],
  },
  quick: 1,
  long: 20,
  run: skewedClocks,
};

export const r24b: Row = {
  id: 'R24b',
  fault: 'the event loop of the holder is busy past its lease',
  holds: 'as R24: the late commit writes nothing, the client gets the true answer',
  played: 'a busy loop of 2.6 s, the lease being 0.6 s',
  world: { ...PLAIN, env: SHIMMED },
  quick: 1,
  long: 20,
  run: (trial) =>
    overslept(trial, trial.random.pick(INSTANTS.slice(1, 4)), (slot) => {
      process.kill(slot.process.pid, 'SIGUSR2');
      return () => undefined;
    }),
};

/** A build that knows another layout of the keys, whichever this one knows. */
const OTHER_LAYOUT: Patch = {
  file: 'redis/keys.js',
  find: "FORMAT_VERSION = '",
  replace: "FORMAT_VERSION = '99",
};

/** A replica of another build beside the running ones. */
async function twoVersions(trial: Trial): Promise<void> {
  const { world } = trial;
  const session = trial.session();
  await trial.say(session);
  const other = copyProduct(dirname(world.entry), 'other-format');
  try {
    applyPatch(other, OTHER_LAYOUT);
    const begun = startReplica({
      redisUrl: world.redis.url,
      modelUrl: world.model.url,
      entry: join(other, 'main.js'),
      env: world.env,
    });
    const refused = await begun.then(
      async (replica) => {
        await replica.kill();
        return 'it started';
      },
      (error: unknown) => String(error),
    );
    if (!/exited with [1-9]/.test(refused))
      trial.wrong(`a replica of another layout: ${refused.slice(0, 200)}`);
    // Same layout, other text of a script: both run side by side.
    cpSync(dirname(world.entry), other, { recursive: true, force: true });
    const script = join(other, 'redis', 'scripts', 'end-turn.lua');
    writeFileSync(script, `${readFileSync(script, 'utf8')}\n-- another build\n`);
    const replica = await startReplica({
      redisUrl: world.redis.url,
      modelUrl: world.model.url,
      entry: join(other, 'main.js'),
      env: world.env,
    });
    for (let turn = 0; turn < 4; turn += 1) {
      await trial.say(session, {}, { name: 'replica of another build', url: replica.url });
      await trial.say(session);
    }
    await replica.kill();
  } finally {
    rmSync(other, { recursive: true, force: true });
  }
}

export const r35: Row = {
  id: 'R35',
  fault: 'a replica of another build joins: another layout of keys, then another text of a script',
  holds: 'another layout is refused at start; the same layout serves beside the old one',
  played: null,
  world: PLAIN,
  quick: 1,
  long: 5,
  run: twoVersions,
};

/** A replica with small limits and a small heap gets more than it can handle. */
async function exhausted(trial: Trial): Promise<void> {
  const { world } = trial;
  trial.rules = { ...trial.rules, mayCut: true, codes: ['overloaded', 'model_error', 'redis_unavailable'] };
  const slot = trial.slot(0);
  const open = await Promise.all(
    Array.from({ length: trial.isQuick ? 150 : 400 }, async (_, index) => {
      const session = `${trial.tag}-many${index}`;
      world.model.plan(`${session}-m0`, { words: 4, firstMs: 500, everyMs: 50 });
      return openStream(`${slot.url}/api/chat/stream`, {
        method: 'POST',
        body: { message: `say ${session}-m0 please`, conversation_id: session },
        signal: AbortSignal.timeout(5000),
      }).catch(() => null);
    }),
  );
  trial.count(
    'connections refused or broken',
    open.filter((reader) => reader === null || reader.status !== 200).length,
  );
  for (const reader of open) reader?.destroy();
  await sleep(100);
  const session = trial.session();
  await measureUntil(trial, 'serves again after exhaustion', 10_000, async () => {
    const { status } = await ask(slot, '/readyz');
    if (status !== 200) return false;
    return (await trial.say(session, {}, slot)).end.kind === 'done';
  });
  const isAlive = (await ask(slot, '/livez')).status === 200;
  if (!isAlive) trial.wrong(`${slot.name} died of exhaustion: ${slot.process.output().slice(-500)}`);
}

export const r36: Row = {
  id: 'R36',
  fault:
    'a replica with MAX_STREAMS 60, MAX_TURNS 60 and a heap of 64 MB gets 150 (short run) or 400 streams',
  holds: 'the rest is refused with 503, the replica lives and serves again',
  played: 'bounded by its own limits and a small heap, not by `ulimit -n`',
  world: {
    ...PLAIN,
    replicas: 2,
    env: { NODE_OPTIONS: '--max-old-space-size=64', MAX_STREAMS: '60', MAX_TURNS: '60' },
  },
  quick: 1,
  long: 10,
  run: exhausted,
};
