import { expect, onTestFinished } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { startScriptedModel } from '../../testkit/model/scripted-model.ts';
import { type Child, startChild } from '../../testkit/process/child.ts';
import { type RedisServer, startRedis } from '../../testkit/redis/redis.ts';
import { startCluster } from '../../testkit/redis/redis-cluster.ts';
import { keyOf, store } from '../../testkit/redis/stored-session.ts';
import { commandEntry, runJson } from '../../testkit/server/command.ts';
import { replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { startReplica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

function startWorker(redis: RedisServer, env: Readonly<Record<string, string>> = {}): Child {
  const settings = { PATH: process.env.PATH, REDIS_URL: redis.url, RECONCILE_INTERVAL_SECONDS: '1', ...env };
  return startChild(process.execPath, [commandEntry, 'worker'], { env: settings });
}

interface Run {
  readonly job: string;
  /** When it was due, in ms since 1970. */
  readonly dueAtMs: number;
}

/** Runs that a process logged. */
function runsOf(process: { output(): string }): Run[] {
  return process
    .output()
    .split('\n')
    .filter((line) => line.includes('"msg":"reconciled"'))
    .map((line) => (JSON.parse(line) as { job: string }).job)
    .map((job) => ({ job, dueAtMs: Number(job.split(':').at(-1)) }));
}

async function lastReport(redis: RedisServer): Promise<{ ended_at: string; sessions: number } | null> {
  return JSON.parse(String((await redis.ask('GET', 'turnwise:reconcile')) ?? 'null'));
}

promise(
  'reconcile.once-per-interval',
  'four workers together run one reconcile each interval, also after one of them is killed',
  async () => {
    const redis = await startRedis();
    const workers = Array.from({ length: 4 }, () => startWorker(redis));
    onTestFinished(() => Promise.all(workers.map((worker) => worker.kill())).then(() => redis.stop()));
    const runs = () => workers.flatMap(runsOf).sort((a, b) => a.dueAtMs - b.dueAtMs);
    await waitFor(() => runs().length >= 4, { timeoutMs: 15_000, what: 'four runs' });
    await workers[0]?.kill();
    await waitFor(() => runs().length >= 8, { timeoutMs: 15_000, what: 'eight runs' });
    const all = runs();
    expect(new Set(all.map(({ job }) => job)).size).toBe(all.length);
    const gaps = all.slice(1).map(({ dueAtMs }, index) => dueAtMs - (all[index]?.dueAtMs ?? 0));
    // A busy machine may skip a tick, which is not repeated; none comes early.
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(990);
    expect(workers.slice(1).flatMap((worker) => worker.output().match(/could not/g) ?? [])).toEqual([]);
  },
);

promise(
  'reconcile.worker-off',
  'a replica with WORKER=off runs no job, and a separate worker does',
  async () => {
    const deployment = await startDeployment(1, { WORKER: 'off', RECONCILE_INTERVAL_SECONDS: '1' });
    onTestFinished(() => deployment.model.close());
    await chat(replicaOf(deployment, 0), 'one', 'hello');
    const keys = async () => (await deployment.redis.ask('KEYS', '{turnwise:bull}*')) as string[];
    expect(await keys()).toEqual([]);
    const worker = startWorker(deployment.redis);
    await waitFor(() => runsOf(worker).length > 0, { timeoutMs: 10_000, what: 'a run' });
    expect((await lastReport(deployment.redis))?.sessions).toBe(1);
    worker.signal('SIGTERM');
    expect(await worker.exited).toBe(0);
  },
);

promise(
  'reconcile.metrics',
  'every replica shows the sessions and the time of the last reconcile, wherever it ran',
  async () => {
    const deployment = await startDeployment(1, { RECONCILE_INTERVAL_SECONDS: '1' });
    onTestFinished(() => deployment.model.close());
    const idle = await deployment.another({ WORKER: 'off' });
    await chat(idle, 'one', 'hello');
    await chat(idle, 'two', 'hello');
    const gauge = async (name: string) => {
      const { body } = await call<string>(idle.url, 'GET', '/metrics');
      return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1]);
    };
    await waitFor(async () => (await gauge('turnwise_sessions')) === 2, { what: 'two sessions in /metrics' });
    const age = Date.now() / 1000 - (await gauge('turnwise_reconciled_at_seconds'));
    expect(age).toBeLessThan(5);
    const { body } = await call<{ reconcile: { sessions: number } }>(idle.url, 'GET', '/health');
    expect(body.reconcile.sessions).toBe(2);
  },
);

promise(
  'reconcile.redis-away',
  'without Redis a replica starts and exits in time, and the job runs once Redis is there, or after it lost its data',
  async () => {
    const redis = await startRedis();
    const model = await startScriptedModel();
    onTestFinished(() => redis.stop().then(() => model.close()));
    await redis.kill();
    const env = { RECONCILE_INTERVAL_SECONDS: '1', SHUTDOWN_DELAY_SECONDS: '0', LOG_LEVEL: 'fatal' };
    const options = { redisUrl: redis.url, modelUrl: model.url, env, until: 'live' } as const;
    const [brief, lasting] = await Promise.all([startReplica(options), startReplica(options)]);
    const askedAt = performance.now();
    brief.term();
    expect(await brief.exited).toBe(0);
    expect(performance.now() - askedAt).toBeLessThan(5000);
    await redis.restart();
    const ran = async () => (await lastReport(redis)) !== null;
    await waitFor(ran, { timeoutMs: 15_000, what: 'a run after Redis started' });
    await redis.ask('FLUSHALL');
    await waitFor(ran, { timeoutMs: 15_000, what: 'a run after Redis lost its data' });
    redis.pause();
    onTestFinished(() => redis.resume());
    const frozenAt = performance.now();
    lasting.term();
    expect(await lasting.exited).toBe(0);
    expect(performance.now() - frozenAt).toBeLessThan(8000);
  },
  60_000,
);

promise('reconcile.cluster', 'on a Cluster reconcile finds the sessions of every master', async () => {
  const cluster = await startCluster();
  onTestFinished(() => cluster.stop());
  const model = await startScriptedModel();
  onTestFinished(() => model.close());
  const env = { REDIS_CLUSTER: cluster.addresses, WORKER: 'off' };
  const replica = await startReplica({ modelUrl: model.url, env });
  const ids = Array.from({ length: 12 }, (_, index) => `s${index}`);
  for (const id of ids) expect((await chat(replica, id, 'hello')).status).toBe(200);
  const onNode = await Promise.all(
    cluster.nodes.map(async (node) => ((await node.ask('KEYS', 'turnwise:{*}:meta')) as string[]).length),
  );
  expect(Math.min(...onNode)).toBeGreaterThan(0);
  for (const node of cluster.nodes) {
    for (const key of ['turnwise:index', 'turnwise:index:-']) await node.ask('DEL', key).catch(() => {});
    for (const id of ids) {
      await node.ask('HSET', keyOf({ id }, 'meta'), 'message_count', 9).catch(() => {});
    }
  }
  const settings = { REDIS_CLUSTER: cluster.addresses };
  const report = await runJson<Record<string, number>>(['reconcile'], settings);
  expect(report).toMatchObject({ scanned: 12, sessions: 12, index_added: 24, counts_repaired: 12 });
  const listed = await runJson<{ total: number }>(['sessions', 'list'], settings);
  expect(listed.total).toBe(12);
  const worker = startChild(process.execPath, [commandEntry, 'worker'], {
    env: { PATH: process.env.PATH, ...settings, RECONCILE_INTERVAL_SECONDS: '1' },
  });
  await waitFor(() => runsOf(worker).length >= 2, { timeoutMs: 15_000, what: 'two runs in a Cluster' });
  await worker.stop();
});

promise('reconcile.other-format', 'keys in another layout are not touched', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  await store(redis, { id: 'one', isIndexed: false });
  await redis.ask('SET', 'turnwise:format', '99');
  await expect(runJson(['reconcile'], { REDIS_URL: redis.url })).rejects.toThrow(
    'the keys in Redis have layout 99',
  );
  const worker = startWorker(redis);
  await waitFor(() => worker.output().includes('have layout 99'), { what: 'the worker to refuse' });
  await worker.stop();
  expect(await redis.ask('EXISTS', 'turnwise:index', 'turnwise:reconcile')).toBe(0);
});

promise('reconcile.steps', 'reconcile walks a large keyspace in bounded steps', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const seed = `for i = 1, 20000 do
    local key = 'turnwise:{-/s' .. i .. '}:meta'
    redis.call('HSET', key, 'created_at', 1, 'last_accessed', 1, 'message_count', 0, 'dropped', 0, 'fence', 1, 'epoch', 1)
    redis.call('PEXPIREAT', key, ARGV[1])
    redis.call('ZADD', 'turnwise:index', ARGV[1], '-/s' .. i)
  end`;
  await redis.ask('EVAL', seed, 0, Date.now() + 1_000_000);
  await redis.ask('CONFIG', 'RESETSTAT');
  const report = await runJson(['reconcile'], { REDIS_URL: redis.url });
  expect(report).toMatchObject({ scanned: 20_000, sessions: 20_000, index_added: 20_000 });
  const stats = String(await redis.ask('INFO', 'commandstats'));
  expect(stats).not.toContain('cmdstat_keys:');
  const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  expect(calls('scan')).toBeGreaterThanOrEqual(20);
  expect(calls('zscan')).toBeGreaterThanOrEqual(20);
});
