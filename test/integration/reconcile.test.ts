import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { textDeltas } from '../../testkit/model/scripted-model.ts';
import { dumpOf, keyOf, store } from '../../testkit/redis/stored-session.ts';
import {
  type Deployment,
  historyOf,
  replicaOf,
  type Store,
  say,
  startDeployment,
  startStore,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { runReconcile } from '../support/reconcile.ts';
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

promise(
  'reconcile.index.gone',
  'reconcile removes the entries of expired sessions from the index of all and of each owner',
  async () => {
    await store(deployment.redis, { id: 'lives' });
    await store(deployment.redis, { id: 'theirs', owner: 'alice' });
    const future = Date.now() + 1_000_000;
    await ask(
      'ZADD',
      'turnwise:index',
      future,
      '-/deleted',
      1,
      '-/expired',
      future,
      'no session',
      1,
      'bob/past',
    );
    await ask('ZADD', 'turnwise:index:-', future, 'deleted', 1, 'expired');
    await ask('ZADD', 'turnwise:index:bob', 1, 'past');
    const report = await reconcile();
    expect(report).toMatchObject({ index_removed: 7, index_added: 0, sessions: 2, scanned: 2 });
    expect(await ask('ZRANGE', 'turnwise:index', 0, -1)).toEqual(['-/lives', 'alice/theirs']);
    expect(await ask('ZRANGE', 'turnwise:index:-', 0, -1)).toEqual(['lives']);
    expect(await ask('EXISTS', 'turnwise:index:bob')).toBe(0);
  },
);

promise('reconcile.index.lost', 'reconcile restores the sessions that an index lost', async () => {
  await store(deployment.redis, { id: 'one', ttlMs: 500_000 });
  await store(deployment.redis, { id: 'two', ttlMs: 600_000 });
  await store(deployment.redis, { id: 'theirs', owner: 'alice' });
  const before = await dumpOf(deployment.redis);
  for (const key of ['turnwise:index', 'turnwise:index:-']) await ask('DEL', key);
  await ask('ZADD', 'turnwise:index:alice', 1, 'theirs');
  expect(await reconcile()).toMatchObject({ index_added: 6, index_removed: 0, sessions: 3 });
  expect(await dumpOf(deployment.redis)).toEqual(before);
});

promise(
  'reconcile.counts',
  'reconcile corrects message_count whatever its value, and the session answers again',
  async () => {
    const replica = replicaOf(deployment, 0);
    const edits: Record<string, (string | number)[]> = {
      greater: ['HSET', 'message_count', 999],
      words: ['HSET', 'message_count', 'many'],
      lost: ['HDEL', 'message_count', 'dropped'],
      dropped: ['HSET', 'dropped', 5, 'message_count', 1],
    };
    for (const [id, [command, ...fields]] of Object.entries(edits)) {
      await store(deployment.redis, { id, messages: 4 });
      await ask(String(command), keyOf({ id }, 'meta'), ...fields);
      expect((await chat(replica, id, 'too early')).body.error?.code).toBe('corrupt_session');
    }
    await store(deployment.redis, { id: 'trimmed', messages: 8 });
    await ask('LTRIM', keyOf({ id: 'trimmed' }, 'messages'), 2, -1);
    expect(await reconcile()).toMatchObject({ counts_repaired: 5, skipped_count: 0 });
    for (const id of Object.keys(edits)) {
      // The number of dropped messages is stored only in the metadata, so it is trusted.
      const dropped = id === 'dropped' ? 5 : 0;
      const counts = await ask('HMGET', keyOf({ id }, 'meta'), 'message_count', 'dropped');
      expect([id, counts]).toEqual([id, [`${4 + dropped}`, `${dropped}`]]);
      const answered = { reply: 'to now', message_count: 6 + dropped };
      expect((await chat(replica, id, 'now')).body).toMatchObject(answered);
    }
    const trimmed = await ask('HMGET', keyOf({ id: 'trimmed' }, 'meta'), 'message_count', 'dropped');
    expect(trimmed).toEqual(['6', '0']);
  },
);

promise(
  'reconcile.counts.no-old-history',
  'after a repair no replica sends the model the old history from its cache',
  async () => {
    const [first, second] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    await chat(first, 'cut', 'stays');
    await chat(first, 'cut', 'is cut away');
    await ask('RPOP', keyOf({ id: 'cut' }, 'messages'), 2);
    expect((await reconcile()).counts_repaired).toBe(1);
    await chat(second, 'cut', 'instead');
    await chat(first, 'cut', 'at last');
    const shown = deployment.model.requests.at(-1)?.messages.map((message) => message.content);
    expect(shown).toEqual(['stays', 'to stays', 'instead', 'to instead', 'at last']);
  },
);

promise(
  'reconcile.queue',
  'reconcile drops queue entries without a turn, and the next one starts',
  async () => {
    const replica = replicaOf(deployment, 0);
    await store(deployment.redis, { id: 'stuck' });
    const key = keyOf({ id: 'stuck' }, 'queue');
    await ask('ZADD', key, -3, 'tgone/rgone', -2, 'no turn at all', -1, 'tended/rgone');
    await ask('HSET', keyOf({ id: 'stuck' }, 'turn:tended'), 'status', 'completed', 'replica', 'rgone');
    const waiting = await say(replica, 'stuck', 'hello');
    await waiting.until('queued');
    expect(await reconcile()).toMatchObject({ queue_dropped: 3 });
    const events = await waiting.all(5000);
    expect(events.at(-1)?.event).toBe('done');
  },
);

promise('reconcile.freed', 'reconcile frees a session that a turn without a record keeps busy', async () => {
  await store(deployment.redis, { id: 'busy' });
  const meta = keyOf({ id: 'busy' }, 'meta');
  await ask(
    'HSET',
    meta,
    'running',
    'tgone',
    'running_replica',
    'rgone',
    'running_lease',
    Date.now() + 60_000,
  );
  const waiting = await say(replicaOf(deployment, 0), 'busy', 'hello');
  await waiting.until('queued');
  expect(await reconcile()).toMatchObject({ sessions_freed: 1, queue_dropped: 0 });
  expect((await waiting.all(5000)).at(-1)?.event).toBe('done');
});

promise('reconcile.ttl', 'reconcile restores the TTL of every key of a session', async () => {
  const replica = replicaOf(deployment, 0);
  const turn = await say(replica, 'endless', 'hello');
  await turn.all(5000);
  const [record, log] = [`turn:${turnIdOf(turn)}`, `log:${turnIdOf(turn)}`];
  const names = ['meta', 'messages', 'turns', record, log];
  for (const name of names) await ask('PERSIST', keyOf({ id: 'endless' }, name));
  await ask('SET', keyOf({ id: 'endless' }, 'lock'), 'no-holder');
  await store(deployment.redis, { id: 'uneven' });
  await ask('PEXPIRE', keyOf({ id: 'uneven' }, 'messages'), 5000);
  expect(await reconcile()).toMatchObject({ ttl_repaired: 2 });
  const ends = async (id: string, name: string) => Number(await ask('PEXPIRETIME', keyOf({ id }, name)));
  const end = await ends('endless', 'meta');
  expect(Math.abs(end - Date.now() - 1_800_000)).toBeLessThan(5000);
  expect([await ends('endless', 'messages'), await ends('endless', 'turns')]).toEqual([end, end]);
  for (const name of [record, log]) {
    expect(Math.abs((await ends('endless', name)) - Date.now() - 600_000)).toBeLessThan(10_000);
  }
  expect(await ends('endless', 'lock')).toBeLessThan(Date.now() + 1001);
  expect(await ends('uneven', 'messages')).toBe(await ends('uneven', 'meta'));
});

promise(
  'reconcile.running',
  'a turn of a dead replica missing from the list of live turns is taken over after a reconcile',
  async () => {
    const survivor = replicaOf(deployment, 0);
    const gate = deployment.model.gate();
    let calls = 0;
    deployment.model.reply(() => {
      calls += 1;
      return calls === 1 ? [{ delta: 'half' }, { wait: gate }] : textDeltas('whole');
    });
    const dying = await deployment.another();
    const turn = await say(dying, 'lost', 'hello');
    await gate.reached;
    await dying.kill();
    await ask('DEL', 'turnwise:running');
    const future = Date.now() + 1_000_000;
    await ask('HSET', keyOf({ id: 'lost' }, 'turn:tended'), 'status', 'failed', 'replica', 'r1');
    await ask(
      'ZADD',
      'turnwise:running',
      future,
      '-/lost/tended',
      future,
      '-/other/tgone',
      future,
      'nothing',
    );
    expect(await reconcile()).toMatchObject({ running_added: 1, running_removed: 3 });
    expect(await ask('ZRANGE', 'turnwise:running', 0, -1)).toEqual([`-/lost/${turnIdOf(turn)}`]);
    await waitFor(async () => (await turnOf(survivor, 'lost', turnIdOf(turn))).status === 'completed', {
      timeoutMs: 8000,
      what: 'the turn to be completed elsewhere',
    });
    expect(await historyOf(survivor, 'lost')).toEqual(['user: hello', 'assistant: whole']);
  },
);
