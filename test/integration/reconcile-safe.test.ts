import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { textDeltas } from '../../testkit/model/scripted-model.ts';
import { dumpOf, keyOf, store } from '../../testkit/redis/stored-session.ts';
import {
  type Deployment,
  historyOf,
  replicaOf,
  type Store,
  startDeployment,
  startStore,
} from '../../testkit/server/deployment.ts';
import { chatUntilAnswered } from '../../testkit/server/patient.ts';
import { type Report, runReconcile } from '../support/reconcile.ts';
import { promise } from './promises.ts';

let redisStore: Store;
let deployment: Deployment;

beforeAll(async () => {
  redisStore = await startStore();
  deployment = await startDeployment(2, { WORKER: 'off', QUEUE_MAX: '100' }, redisStore);
});
afterAll(() => deployment.model.close());
beforeEach(async () => {
  await deployment.redis.ask('FLUSHALL');
  deployment.model.reply((request) => textDeltas(`to ${request.messages.at(-1)?.content ?? ''}`));
});

const reconcile = (...options: string[]) => runReconcile(redisStore, ...options);
const ask = (command: string, ...args: (string | number)[]) => deployment.redis.ask(command, ...args);

/** One damage of each kind. */
async function damage(): Promise<void> {
  for (const id of ['one', 'two', 'three', 'four']) await store(deployment.redis, { id, messages: 6 });
  await store(deployment.redis, { id: 'unknown', isIndexed: false });
  await ask('HSET', keyOf({ id: 'one' }, 'meta'), 'message_count', 7);
  await ask('PERSIST', keyOf({ id: 'two' }, 'meta'));
  await ask('ZADD', keyOf({ id: 'three' }, 'queue'), 1, 'tgone/rgone');
  const end = Number(await ask('PEXPIRETIME', keyOf({ id: 'three' }, 'meta')));
  await ask('PEXPIREAT', keyOf({ id: 'three' }, 'queue'), end);
  await ask('HSET', keyOf({ id: 'four' }, 'meta'), 'running', 'tgone');
  await ask('ZADD', 'turnwise:index', 5, '-/gone');
  // In the future, or a replica would recover the turn first.
  await ask('ZADD', 'turnwise:running', Date.now() + 1_000_000, '-/gone/tgone');
  await ask('SET', keyOf({ id: 'wrong' }, 'meta'), 'text');
}

promise('reconcile.twice', 'a second reconcile changes nothing', async () => {
  await damage();
  const first = await reconcile();
  const none = { index_removed: 0, index_added: 0, counts_repaired: 0, queue_dropped: 0 };
  const still = { ...none, ttl_repaired: 0, sessions_freed: 0, running_removed: 0, running_added: 0 };
  for (const kind of Object.keys(still)) {
    if (kind !== 'running_added') expect(first[kind as keyof Report], kind).toBeGreaterThan(0);
  }
  const before = await dumpOf(deployment.redis);
  expect(await reconcile()).toMatchObject(still);
  expect(await dumpOf(deployment.redis)).toEqual(before);
});

promise('reconcile.dry-run', 'a dry run reports what a reconcile would do and changes nothing', async () => {
  await damage();
  const before = await dumpOf(deployment.redis);
  const dry = await reconcile('--dry-run');
  expect(await dumpOf(deployment.redis)).toEqual(before);
  expect(await ask('EXISTS', 'turnwise:reconcile')).toBe(0);
  const done = await reconcile();
  const kinds = [
    'index_removed',
    'counts_repaired',
    'queue_dropped',
    'ttl_repaired',
    'skipped_count',
  ] as const;
  for (const kind of kinds) expect(dry[kind], kind).toBe(done[kind]);
});

promise(
  'reconcile.corrupt',
  'keys that cannot be repaired are reported and left alone, and all others are repaired',
  async () => {
    await store(deployment.redis, { id: 'well' });
    await ask('HSET', keyOf({ id: 'well' }, 'meta'), 'message_count', 7);
    const wrong: Record<string, string> = {
      [keyOf({ id: 'text' }, 'meta')]: 'is a string, not a hash',
      [keyOf({ id: 'list' }, 'messages')]: 'is a string, not a list',
      [keyOf({ id: 'line' }, 'queue')]: 'is a string, not a zset',
      [keyOf({ id: 'record' }, 'turn:t1')]: 'is a string, not a hash',
      'turnwise:index:carol': 'is not a sorted set',
      'turnwise:running': 'is not a sorted set',
      'turnwise:{no session}:meta': 'is not the name of a session',
    };
    for (const id of ['list', 'line', 'record', 'fence']) await store(deployment.redis, { id, messages: 0 });
    await ask('ZADD', keyOf({ id: 'record' }, 'queue'), 1, 't1/r1');
    await ask('PEXPIRE', keyOf({ id: 'record' }, 'queue'), 1_800_000);
    for (const key of Object.keys(wrong)) await ask('SET', key, 'edited by hand');
    await ask('HSET', keyOf({ id: 'fence' }, 'meta'), 'fence', 'high');
    const report = await reconcile();
    const told = Object.fromEntries(report.skipped.map(({ key, reason }) => [key, reason]));
    expect(told).toEqual({ ...wrong, [keyOf({ id: 'fence' }, 'meta')]: 'its fence is not a number' });
    expect(report.skipped_count).toBe(8);
    expect(report.counts_repaired).toBe(1);
    for (const key of Object.keys(wrong)) expect(await ask('GET', key)).toBe('edited by hand');
  },
);

promise('reconcile.live', 'reconciles neither repair nor disturb turns that are in progress', async () => {
  deployment.model.reply((request) => [
    { delta: 'to ' },
    { delayMs: 10 },
    { delta: request.messages.at(-1)?.content ?? '' },
  ]);
  const ids = ['a', 'b', 'c'];
  const talk = async (id: string) => {
    const answers = Array.from({ length: 30 }, (_, index) =>
      // Ninety at once: a machine that is busy replies 503 to some, and they are sent again.
      chatUntilAnswered([replicaOf(deployment, index % 2)], id, `${id}${index}`),
    );
    await Promise.all(answers);
  };
  let isTalking = true;
  const talked = Promise.all(ids.map(talk)).finally(() => {
    isTalking = false;
  });
  // Awaited below; until then a failure must not be unhandled.
  talked.catch(() => {});
  const reports: Report[] = [];
  while (isTalking) reports.push(await reconcile());
  expect(reports.length).toBeGreaterThan(1);
  await talked;
  for (const report of reports) {
    expect(report).toMatchObject({ counts_repaired: 0, queue_dropped: 0, ttl_repaired: 0 });
    expect(report).toMatchObject({ sessions_freed: 0, skipped_count: 0 });
  }
  for (const id of ids) {
    const history = await historyOf(replicaOf(deployment, 0), id);
    expect(history).toHaveLength(60);
    const asked = history.filter((line) => line.startsWith('user: '));
    expect(history).toEqual(asked.flatMap((line) => [line, line.replace('user: ', 'assistant: to ')]));
  }
});
