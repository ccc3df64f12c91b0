import { setTimeout as sleep } from 'node:timers/promises';
import { startRelay } from '../../testkit/http/relay.ts';
import { startRedis } from '../../testkit/redis/redis.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { ask, measureUntil, SLACK_MS, startTraffic } from './traffic.ts';

const AWAY_CODES = ['redis_unavailable', 'commit_unknown', 'storage_full'];

/** The sentinels of the tests report a primary down after 1.5 s. */
const DOWN_AFTER_MS = 1500;

/** The primary dies or freezes, and its secondary takes over. */
async function failover(trial: Trial): Promise<void> {
  const { random, world } = trial;
  const { sentinel } = world;
  if (sentinel === null) throw new Error('a failover needs sentinels');
  trial.asksAll = true;
  trial.rules = { ...trial.rules, codes: AWAY_CODES };
  const sessions = Array.from({ length: 3 }, () => trial.session());
  for (const session of sessions) await trial.say(session, { deadlineMs: 30_000 });
  const traffic = startTraffic(trial, sessions, 3);
  await sleep(random.int(100, 500));
  const primary = await sentinel.primary();
  const how = random.pick(['SIGKILL', 'SIGSTOP'] as const);
  trial.note(`the primary gets ${how}`);
  trial.rules = { ...trial.rules, mayLose: 'suffix', lossFrom: performance.now(), lossUntil: Infinity };
  if (how === 'SIGKILL') await primary.kill();
  else primary.pause();
  trial.count('failovers');
  await measureUntil(trial, 'ready after a failover', DOWN_AFTER_MS + 10_000 + SLACK_MS, async () => {
    const isOther = (await sentinel.primary()).port !== primary.port;
    const answers = await Promise.all(world.slots.map((slot) => ask(slot, '/readyz')));
    return isOther && answers.every(({ status }) => status === 200);
  });
  // The old primary wakes and still considers itself primary: replicas must not write to it.
  if (how === 'SIGSTOP') primary.resume();
  await sleep(random.int(100, 800));
  await traffic.stop();
  trial.rules = { ...trial.rules, lossUntil: performance.now() };
  for (const session of sessions) await trial.say(session);
}

export const r8: Row = {
  id: 'R8',
  fault: 'the primary of a Sentinel set-up gets SIGKILL or SIGSTOP under load',
  holds: 'ready within down-after + 10 s; what is lost is a suffix; READONLY is 503, not 500',
  played: 'WAIT is not sent; the primary that is cut off is row R9',
  world: { ...PLAIN, redis: 'sentinel' },
  isFresh: true,
  quick: 0,
  long: 90,
  run: failover,
};

/** The primary is cut off from its secondary, which is promoted, while replicas still talk to the old one. */
async function splitBrain(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.asksAll = true;
  trial.rules = { ...trial.rules, codes: AWAY_CODES };
  const link = await startRelay();
  link.to(world.redis);
  const port = Number(new URL(link.url).port);
  const secondary = await startRedis({ args: ['--replicaof', '127.0.0.1', String(port)] });
  try {
    const isLinked = async () =>
      String(await secondary.ask('INFO', 'replication')).includes('master_link_status:up');
    await waitFor(isLinked, { timeoutMs: 15_000, what: 'the secondary to follow' });
    for (const [name, value] of [
      ['min-replicas-to-write', 1],
      ['min-replicas-max-lag', 2],
    ] as const) {
      await world.redis.ask('CONFIG', 'SET', name, value);
    }
    const sessions = Array.from({ length: 3 }, () => trial.session());
    await sleep(1100);
    for (const session of sessions) await trial.sayUntilDone(session);
    const traffic = startTraffic(trial, sessions, 3);
    await sleep(random.int(50, 300));
    trial.note('the primary is cut off from its secondary');
    trial.rules = { ...trial.rules, mayLose: 'suffix', lossFrom: performance.now(), lossUntil: Infinity };
    link.down();
    await secondary.ask('REPLICAOF', 'NO', 'ONE');
    trial.count('failovers');
    const stray = trial.session();
    await measureUntil(trial, 'the old primary refuses to write', 2000 + 1500 + SLACK_MS, async () => {
      const { end } = await trial.say(stray);
      return end.kind === 'error' && end.code === 'storage_full';
    });
    trial.note('replicas are led to the new primary');
    for (const slot of world.slots) {
      slot.proxy?.to(secondary.port);
      slot.proxy?.cut();
    }
    await sleep(random.int(200, 600));
    await traffic.stop();
    trial.rules = { ...trial.rules, lossUntil: performance.now() };
    for (const session of sessions) await trial.say(session);
    // The final state is read from the new primary.
    trial.endsWith(async () => {
      await secondary.stop();
      await link.close();
    });
  } catch (error) {
    await secondary.stop();
    await link.close();
    throw error;
  }
}

export const r9: Row = {
  id: 'R9',
  fault: 'split brain: replicas stay with a primary that lost its secondary, which was promoted',
  holds: 'the old primary refuses writes after min-replicas-max-lag; after healing no session is forked',
  played: 'the link is cut by a proxy, the promotion is done by hand',
  world: PLAIN,
  isFresh: true,
  quick: 1,
  long: 10,
  run: splitBrain,
};

/** The slot of a busy session moves to another master, under load. */
async function migration(trial: Trial): Promise<void> {
  const { random, world } = trial;
  const nodes = world.cluster?.nodes ?? [];
  const session = trial.session();
  const others = [trial.session(), trial.session()];
  await trial.say(session);
  const traffic = startTraffic(trial, [session, ...others], 4);
  await sleep(random.int(50, 300));
  const [first] = nodes;
  if (first === undefined) throw new Error('a migration needs a cluster');
  const slot = Number(await first.ask('CLUSTER', 'KEYSLOT', `{-/${session}}`));
  const ids = await Promise.all(nodes.map(async (node) => String(await node.ask('CLUSTER', 'MYID'))));
  const owner = nodes.findIndex(
    (_, at) => Math.floor((16_384 * at) / 3) <= slot && slot < Math.floor((16_384 * (at + 1)) / 3),
  );
  const [from, to] = [nodes[owner], nodes[(owner + 1) % 3]];
  const [fromId, toId] = [ids[owner], ids[(owner + 1) % 3]];
  if (from === undefined || to === undefined || fromId === undefined || toId === undefined)
    throw new Error('no owner');
  trial.note(`slot ${slot} moves from ${from.port} to ${to.port}`);
  const begun = performance.now();
  await to.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
  await from.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
  for (;;) {
    const keys = (await from.ask('CLUSTER', 'GETKEYSINSLOT', slot, 2)) as string[];
    if (keys.length === 0) break;
    // Two at a time, so that a session is on both nodes for a while.
    await from.ask('MIGRATE', '127.0.0.1', to.port, '', 0, 2000, 'KEYS', ...keys);
    await sleep(random.int(0, 15));
  }
  for (const node of [to, from, ...nodes]) await node.ask('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
  trial.measure('a slot moves', performance.now() - begun);
  trial.count('slots moved');
  await sleep(random.int(50, 300));
  await traffic.stop();
}

export const r10: Row = {
  id: 'R10',
  fault: 'the slot of a busy session moves to another master of a Cluster, two keys at a time',
  holds: 'no client sees an error; nothing crosses slots',
  played: 'a failover of a master is not played: the fence and the scripts are those of row R8',
  world: { ...PLAIN, redis: 'cluster' },
  isFresh: true,
  quick: 1,
  long: 30,
  run: migration,
};
