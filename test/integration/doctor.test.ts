import { afterAll, beforeAll, beforeEach, expect, onTestFinished } from 'vitest';
import { FORMAT_VERSION } from '../../src/redis/keys.ts';
import { chat } from '../../testkit/http/http.ts';
import { startScriptedModel, textDeltas } from '../../testkit/model/scripted-model.ts';
import { keyOf, store } from '../../testkit/redis/stored-session.ts';
import { runCommand } from '../../testkit/server/command.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  startStore,
} from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

interface Check {
  readonly check: string;
  readonly level: string;
  readonly found: string;
  readonly advice: string | null;
}

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1, { WORKER: 'off' });
});
afterAll(() => deployment.model.close());
beforeEach(() => deployment.redis.ask('FLUSHALL'));

const ask = (command: string, ...args: (string | number)[]) => deployment.redis.ask(command, ...args);

function settings(changed: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { redisEnv, model } = deployment;
  const isElsewhere = 'REDIS_URL' in changed || 'REDIS_CLUSTER' in changed;
  const usual = {
    ...(isElsewhere ? {} : redisEnv),
    OPENAI_BASE_URL: model.url,
    OPENAI_API_KEY: 'k',
    OPENAI_MODEL: 'scripted',
  };
  return { ...usual, ...changed };
}

async function doctor(changed: Readonly<Record<string, string>> = {}, ...options: string[]) {
  const { code, out, err } = await runCommand(['doctor', '--json', ...options], settings(changed));
  if (out === '') throw new Error(err);
  const report = JSON.parse(out) as { ok: boolean; checks: Check[] };
  const levels = Object.fromEntries(report.checks.map(({ check, level }) => [check, level]));
  const failed = report.checks.filter(({ level }) => level === 'fail');
  return { code, ok: report.ok, checks: report.checks, levels, failed: failed.map(({ check }) => check) };
}

promise('doctor.well', 'doctor reports no problem while turns wait and run, and exits 0', async () => {
  const replica = replicaOf(deployment, 0);
  const gate = deployment.model.gate();
  await Promise.all(['a', 'b', 'c'].map((id) => chat(replica, id, 'hello', { idempotencyKey: 'k' })));
  deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }]);
  onTestFinished(() => gate.open());
  const turns = [await say(replica, 'a', 'runs'), await say(replica, 'a', 'waits')];
  await gate.reached;
  await ask('SET', 'turnwise:format', FORMAT_VERSION);
  await turns[1]?.until('queued');
  const { code, ok, levels } = await doctor();
  expect([code, ok]).toEqual([0, true]);
  // Expected in a test: Redis does not persist, no worker runs, and the model is held.
  const warned = { persistence: 'warn', reconcile: 'warn', answer: 'warn' };
  const well = [
    'settings',
    'redis',
    'channels',
    'version',
    'role',
    'eviction',
    'format',
    'readable',
    'expiry',
    'counts',
    'queues',
  ];
  const all = [...well, 'order', 'fences', 'model'];
  expect(levels).toEqual({ ...warned, ...Object.fromEntries(all.map((check) => [check, 'ok'])) });
  const table = await runCommand(['doctor'], settings());
  expect(table.code).toBe(0);
  expect(table.out).toMatch(/^ok {4}eviction +noeviction$/m);
  expect(table.out).toMatch(/^warn {2}persistence .*appendonly yes/m);
});

promise(
  'doctor.redis',
  'doctor fails on a Redis that evicts, has another layout, or does not answer',
  async () => {
    const { redis, env } = await startStore();
    onTestFinished(() => redis.stop());
    await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const evicting = await doctor(env);
    expect([evicting.code, evicting.ok, evicting.failed]).toEqual([1, false, ['eviction']]);
    const { advice } = evicting.checks.find(({ check }) => check === 'eviction') ?? {};
    expect(advice).toContain('maxmemory-policy noeviction');
    await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await redis.ask('CONFIG', 'SET', 'appendonly', 'yes');
    await redis.ask('SET', 'turnwise:format', '99');
    const other = await doctor(env);
    expect([other.code, other.failed, other.levels.persistence]).toEqual([1, ['format'], 'ok']);
    const away = await doctor({ REDIS_URL: 'redis://:secret@127.0.0.1:1' });
    expect([away.code, away.failed]).toEqual([1, ['redis']]);
    expect(JSON.stringify(away.checks)).not.toContain('secret');
  },
);

promise('doctor.settings', 'doctor names each invalid setting', async () => {
  const wrong = await doctor({ OPENAI_MODEL: '', HOST: '0.0.0.0' });
  expect([wrong.code, wrong.failed]).toEqual([1, ['settings']]);
  expect(wrong.checks[0]?.found).toMatch(/OPENAI_MODEL.*ALLOW_ANONYMOUS/);
  const unreadable = await doctor({ PORT: 'x' });
  expect([unreadable.code, unreadable.checks.length]).toEqual([1, 1]);
});

promise(
  'doctor.model',
  'doctor reports a model that is silent, refuses the key, or does not exist',
  async () => {
    const model = await startScriptedModel();
    await model.close();
    const silent = await doctor({ OPENAI_BASE_URL: model.url });
    expect([silent.code, silent.failed]).toEqual([1, ['model']]);
    const unlisted = await doctor({ OPENAI_MODEL: 'scripted,another' });
    expect([unlisted.code, unlisted.levels.model]).toEqual([0, 'warn']);
    const elsewhere = await doctor({ OPENAI_BASE_URL: `${replicaOf(deployment, 0).url}/no/v1` });
    expect([elsewhere.code, elsewhere.levels.model, elsewhere.levels.answer]).toEqual([1, 'warn', 'fail']);
  },
);

promise(
  'doctor.invariants',
  'doctor finds each kind of broken session, and reconcile repairs those that can be repaired',
  async () => {
    deployment.model.reply(() => textDeltas('hello'));
    const damages: Record<string, (id: string) => Promise<unknown>> = {
      expiry: (id) => ask('PERSIST', keyOf({ id }, 'messages')),
      counts: (id) => ask('HSET', keyOf({ id }, 'meta'), 'message_count', 3),
      queues: (id) => ask('HSET', keyOf({ id }, 'meta'), 'running', 'tgone'),
      order: (id) => ask('LSET', keyOf({ id }, 'messages'), 2, messageOf(id, 2, 't0')),
      fences: (id) => ask('HSET', keyOf({ id }, 'meta'), 'fence', 1),
      readable: (id) => ask('LSET', keyOf({ id }, 'messages'), 1, 'no message'),
    };
    for (const [id, harm] of Object.entries(damages)) {
      await store(deployment.redis, { id, messages: 4 });
      await harm(id);
    }
    await store(deployment.redis, { id: 'well' });
    const sick = await doctor();
    expect([sick.code, sick.failed.toSorted()]).toEqual([1, Object.keys(damages).toSorted()]);
    for (const check of sick.failed) {
      const { found } = sick.checks.find((one) => one.check === check) ?? { found: '' };
      expect(found).toContain('1 of 7 sessions');
      expect(found).toContain(`-/${check}`);
    }
    await runCommand(['reconcile'], settings());
    const mended = await doctor();
    expect(mended.failed.toSorted()).toEqual(['fences', 'order', 'readable']);
  },
);

function messageOf(id: string, place: number, turnId: string): string {
  const [role, created_at] = ['user', new Date().toISOString()];
  const ids = { id: `m${place}`, session: `-/${id}`, turn_id: turnId, fence: '1' };
  return JSON.stringify({ ...ids, role, created_at, content: 'again' });
}

promise('doctor.sample', 'doctor checks a bounded sample, or all sessions on request', async () => {
  for (let index = 0; index < 30; index += 1) await store(deployment.redis, { id: `s${index}` });
  const looked = (report: { checks: Check[] }) =>
    /all (\d+) sessions/.exec(report.checks.find(({ check }) => check === 'counts')?.found ?? '')?.[1];
  expect(looked(await doctor({}, '--sample', '10'))).toBe('10');
  expect(looked(await doctor({}, '--all'))).toBe('30');
});
