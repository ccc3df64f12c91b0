import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { getSession, listSessions, promptFor, saidIn } from '../support/api.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  startStore,
  turnIdOf,
} from '../support/deployment.ts';
import { call, chat } from '../support/http.ts';
import type { Gate } from '../support/model-script.ts';
import { chatUntilTold, timed } from '../support/patient.ts';
import { promise } from '../support/promise.ts';
import { startRedis } from '../support/redis.ts';
import { echo, type ModelRequest } from '../support/scripted-model.ts';
import { createRandom } from '../support/seed.ts';
import { waitFor } from '../support/wait-for.ts';

/** How long Redis is away: 60 in a long run. */
const outageMs = 1000 * Number(process.env.TEST_OUTAGE_SECONDS ?? '8');

const lastSaid = (request: ModelRequest) => request.messages.at(-1)?.content ?? '';

/** The model stops at a gate after one piece when it is asked this; all else it echoes. */
function holdAt(deployment: Deployment, message: string): Gate {
  return holdAtEach(deployment, [message])[0] ?? deployment.model.gate();
}

/** The same for several messages, each with a gate of its own. */
function holdAtEach({ model }: Deployment, messages: readonly string[]): readonly Gate[] {
  const gates = messages.map(() => model.gate());
  model.reply((request) => {
    const gate = gates[messages.indexOf(lastSaid(request))];
    return gate === undefined ? echo(request) : [{ delta: 'begun ' }, { wait: gate }, { delta: 'and ended' }];
  });
  return gates;
}

/** Each change is on the disk before it is acknowledged. */
async function durableRedis() {
  const redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  return { redis, env: { REDIS_URL: redis.url } };
}

/** How long until a replica answers a turn again, in ms. */
async function recovery(replica: { readonly url: string }, conversationId: string): Promise<number> {
  const since = performance.now();
  await waitFor(async () => (await chat(replica, conversationId, 'back again')).status === 200, {
    timeoutMs: 15_000,
    what: 'turns to be answered again',
  });
  return performance.now() - since;
}

/** Asks all that must still be answered while Redis is away; each within a second. */
async function expectRefusals(replica: { readonly url: string }, conversationId: string): Promise<number> {
  const refused = await Promise.all([
    timed(chat(replica, conversationId, 'refused')),
    timed(chat(replica, `${conversationId}-new`, 'refused')),
    timed(chat(replica, conversationId, 'refused', { idempotencyKey: 'refused' })),
    timed(call(replica.url, 'POST', '/api/chat/stream', { message: 'refused' })),
    timed(getSession(replica, conversationId)),
    timed(listSessions(replica)),
    timed(call(replica.url, 'DELETE', `/api/sessions/${conversationId}`)),
  ]);
  const [live, ready, health] = await Promise.all(
    ['/livez', '/readyz', '/health'].map((path) => timed(call(replica.url, 'GET', path))),
  );
  expect([live?.status, ready?.status, health?.status]).toEqual([200, 503, 503]);
  expect(health?.answer?.body).toMatchObject({ status: 'unhealthy' });
  // What needs no Redis shows how slow this machine is just now; that is not the replica's.
  const withinMs = 1000 + (live?.ms ?? 0);
  for (const { status, ms, answer } of refused) {
    expect([status, answer?.body]).toMatchObject([503, { error: { code: 'redis_unavailable' } }]);
    expect(Number(answer?.headers['retry-after'])).toBeGreaterThan(0);
    expect(ms).toBeLessThan(withinMs);
  }
  for (const probe of [ready, health]) expect(probe?.ms).toBeLessThan(withinMs);
  return Math.max(...refused.map(({ ms }) => ms));
}

promise(
  'outage.restart-durable',
  'a Redis that is killed under load and comes back with its append-only file has lost nothing acknowledged',
  async () => {
    const deployment = await startDeployment(2, {}, durableRedis());
    const { redis, replicas } = deployment;
    const gate = holdAt(deployment, 'long');
    const running = await say(replicaOf(deployment, 0), 'long', 'long');
    await running.until('delta');
    let isOver = false;
    const sessions = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const [id, said] = [`durable${index}`, [] as string[]];
        while (!isOver) {
          const message = `${id} says ${said.length}`;
          const { body } = await chatUntilTold([replicaOf(deployment, index % 2)], id, message);
          expect(body).toMatchObject({ reply: `echo:${message}`, message_count: 2 * said.length + 2 });
          said.push(message);
          if (index === 0 && said.length === 10) {
            await redis.kill();
            await sleep(500);
            await redis.restart();
          }
          isOver ||= index === 0 && said.length === 20;
        }
        return { id, said };
      }),
    );
    for (const { id, said } of sessions) {
      const expected = said.flatMap((message) => [message, `echo:${message}`]);
      for (const replica of replicas) expect(await saidIn(replica, id)).toEqual(expected);
    }
    gate.open();
    expect((await running.all()).at(-1)?.event).toBe('done');
    expect(await saidIn(replicaOf(deployment, 1), 'long')).toEqual(['long', 'begun and ended']);
  },
  60_000,
);

promise(
  'outage.restart-empty',
  'after a restart that forgot everything sessions are gone, and nothing that a replica remembers is mixed in',
  async () => {
    const deployment = await startDeployment(2, {}, startStore('process'));
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const gate = holdAt(deployment, 'running');
    for (const replica of [a, b]) await chat(replica, 'forgotten', 'my secret');
    const running = await say(a, 'forgotten', 'running');
    await running.until('delta');
    await deployment.redis.kill();
    await deployment.redis.restart();
    await recovery(a, 'other');
    await recovery(b, 'other');
    expect((await getSession(a, 'forgotten')).status).toBe(404);
    expect((await listSessions(b)).body.sessions.map(({ session_id }) => session_id)).toEqual(['other']);
    const fresh = await chat(a, 'forgotten', 'who am I');
    expect(fresh.body.message_count).toBe(2);
    await chat(b, 'forgotten', 'and now');
    expect(promptFor(deployment.model, 'and now').map(({ content }) => content)).toEqual([
      'who am I',
      'echo:who am I',
      'and now',
    ]);
    gate.open();
    expect((await running.all()).at(-1)).toMatchObject({ event: 'error', data: { code: 'session_deleted' } });
    expect(await saidIn(b, 'forgotten')).toEqual(['who am I', 'echo:who am I', 'and now', 'echo:and now']);
  },
);

promise(
  'outage.down',
  'while Redis is down all is refused within a second, running turns keep their answers and commit when it is back',
  async () => {
    // Away for longer than a lease: when Redis is back, every turn that runs looks like one whose replica died.
    const deployment = await startDeployment(3, { LOCK_TTL_MS: '4000' }, durableRedis());
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    await chat(a, 'down', 'before');
    const [gate, later] = holdAtEach(deployment, ['long', 'longer']);
    const others = await Promise.all(
      Array.from({ length: 12 }, (_, index) => say(index % 2 === 0 ? a : b, `other${index}`, 'longer')),
    );
    const streamed = await say(a, 'long', 'long');
    await streamed.until('delta');
    const waiting = await say(b, 'long', 'waits');
    await waiting.until('queued');
    const json = chat(b, 'long-json', 'long', { timeoutMs: outageMs + 30_000 });
    await waitFor(() => deployment.model.requests.length === 15, { what: 'all calls of the model' });
    await deployment.redis.kill();
    const downAt = performance.now();
    let slowest = 0;
    while (performance.now() - downAt < outageMs) {
      for (const replica of [a, b]) slowest = Math.max(slowest, await expectRefusals(replica, 'down'));
      // The answers come to their end while there is nowhere to put them.
      if (performance.now() - downAt > outageMs - 5000) gate?.open();
      await sleep(250);
    }
    expect(streamed.text()).toBe('begun and ended');
    expect(streamed.ended).toBeUndefined();
    await deployment.redis.restart();
    const backMs = await Promise.all([a, b].map((replica) => recovery(replica, `back${replica.port}`)));
    console.info(
      `Redis down: refused in ${slowest.toFixed(0)} ms at most; ` +
        `back ${backMs.map((ms) => ms.toFixed(0)).join(' and ')} ms after Redis`,
    );
    expect((await streamed.all()).at(-1)?.event).toBe('done');
    expect(streamed.events.map(({ event }) => event)).not.toContain('restarted');
    for (const [index, other] of others.entries()) {
      const key = `turnwise:{-/other${index}}:turn:${turnIdOf(other)}`;
      const isAnsweredFor = async () => Number(await deployment.redis.ask('HGET', key, 'lease')) > Date.now();
      await waitFor(isAnsweredFor, { what: 'some replica to answer for each turn' });
    }
    later?.open();
    for (const other of others) {
      expect((await other.all()).at(-1)?.event).toBe('done');
      expect(other.events.map(({ event }) => event)).not.toContain('restarted');
    }
    expect((await waiting.all()).at(-1)?.event).toBe('done');
    expect((await json).body).toMatchObject({ reply: 'begun and ended', message_count: 2 });
    expect(await saidIn(b, 'long')).toEqual(['long', 'begun and ended', 'waits', 'echo:waits']);
    for (const probe of ['/readyz', '/health']) expect((await call(a.url, 'GET', probe)).status).toBe(200);
    // Whatever was sent off before, and did not run by now, would run when a lease is over.
    await sleep(7000);
    expect(deployment.model.requests.map(lastSaid)).not.toContain('refused');
    expect(await saidIn(b, 'down')).toEqual(['before', 'echo:before']);
  },
  outageMs + 60_000,
);

promise(
  'outage.waits-quietly',
  'turns whose wait is over while Redis is away ask for it now and then, and end as queue_timeout when it is back',
  async () => {
    const deployment = await startDeployment(1, { QUEUE_WAIT_SECONDS: '1' }, startStore('process'));
    const a = replicaOf(deployment, 0);
    const gate = holdAt(deployment, 'long');
    const running = await say(a, 'quiet', 'long');
    await running.until('delta');
    const waiting = await Promise.all([say(a, 'quiet', 'one'), say(a, 'quiet', 'two')]);
    await deployment.redis.kill();
    await sleep(4000);
    const { body } = await call<string>(a.url, 'GET', '/metrics');
    const asked = Number(/failures_total\{what="wait for a turn"\} (\d+)/.exec(body)?.[1]);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(20);
    await deployment.redis.restart();
    for (const reader of waiting) {
      // It forgot everything, or it had not: either way the wait ends, and neither was asked.
      expect((await reader.all()).at(-1)?.event).toBe('error');
    }
    gate.open();
    expect((await running.all()).at(-1)?.event).toBe('error');
    expect(deployment.model.requests).toHaveLength(1);
  },
);

promise(
  'outage.refused-never-runs',
  'while Redis is frozen turns are refused within a second, and none that was refused runs when it wakes',
  async () => {
    const deployment = await startDeployment(2, {}, startStore('process'));
    const { redis, model } = deployment;
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    await chat(a, 'down', 'before');
    const gate = holdAt(deployment, 'long');
    const running = await say(a, 'long', 'long');
    await running.until('delta');
    const coalescing = await say(b, 'long', 'waits');
    await coalescing.until('queued');
    redis.pause();
    const behind = [a, b].map((replica) => timed(chat(replica, 'long', 'refused')));
    const joining = [a, b].map((replica) => timed(chat(replica, 'long', 'refused', { onBusy: 'coalesce' })));
    const urgent = [a, b].map((replica) => timed(chat(replica, 'long', 'refused', { onBusy: 'rollback' })));
    for (const { status } of await Promise.all([...behind, ...joining, ...urgent])) expect(status).toBe(503);
    const slowest = Math.max(await expectRefusals(a, 'down'), await expectRefusals(b, 'down'));
    redis.resume();
    const backMs = await Promise.all([a, b].map((replica) => recovery(replica, `back${replica.port}`)));
    console.info(
      `Redis frozen: refused in ${slowest.toFixed(0)} ms at most; ` +
        `back ${backMs.map((ms) => ms.toFixed(0)).join(' and ')} ms after it woke`,
    );
    await sleep(2500);
    gate.open();
    expect((await running.all()).at(-1)?.event).toBe('done');
    expect((await coalescing.all()).at(-1)?.event).toBe('done');
    expect(await saidIn(a, 'long')).toEqual(['long', 'begun and ended', 'waits', 'echo:waits']);
    expect(JSON.stringify(model.requests.map(({ messages }) => messages))).not.toContain('refused');
    const { body } = await chat(b, 'down', 'refused', { idempotencyKey: 'refused' });
    expect(body).toMatchObject({ reply: 'echo:refused', message_count: 4 });
    expect(await saidIn(a, 'down')).toEqual(['before', 'echo:before', 'refused', 'echo:refused']);
  },
  40_000,
);

promise(
  'outage.short-freezes',
  'through freezes about as long as a request is patient, a turn is answered and stored once, or refused and never run',
  async () => {
    const deployment = await startDeployment(2, {}, startStore('process'));
    const { redis, model } = deployment;
    const random = createRandom();
    const asked: Promise<{ readonly id: string; readonly message: string; readonly status: number }>[] = [];
    for (let freeze = 0; freeze < 12; freeze += 1) {
      const lengthMs = random.int(300, 1000);
      const instants = Array.from({ length: 8 }, () => random.int(-20, lengthMs)).sort((x, y) => x - y);
      const begunAt = performance.now();
      const until = (ms: number) => sleep(Math.max(0, begunAt + 30 + ms - performance.now()));
      const freezing = until(0).then(() => redis.pause());
      for (const [index, instant] of instants.entries()) {
        await until(instant);
        // Half of them on a session of their own, half behind each other in one.
        const id = index % 2 === 0 ? `frozen${freeze}-${index}` : 'frozen';
        const message = `asked ${freeze}-${index}`;
        const on = replicaOf(deployment, random.int(0, 1));
        asked.push(timed(chat(on, id, message)).then(({ status }) => ({ id, message, status })));
      }
      await freezing;
      await until(lengthMs);
      redis.resume();
      await sleep(random.int(50, 300));
    }
    const told = await Promise.all(asked);
    await recovery(replicaOf(deployment, 0), 'after');
    await recovery(replicaOf(deployment, 1), 'after');
    await sleep(2500);
    const stored = new Map<string, readonly string[]>();
    for (const { id, message, status } of told) {
      if (!stored.has(id)) stored.set(id, await saidIn(replicaOf(deployment, 0), id));
      const times = (text: string) => stored.get(id)?.filter((said) => said === text).length;
      const calls = model.requests.filter((request) => lastSaid(request) === message).length;
      const kept = status === 200 ? 1 : 0;
      expect([message, status, times(message), times(`echo:${message}`)]).toEqual([
        message,
        status,
        kept,
        kept,
      ]);
      if (status !== 200) expect([message, status, calls]).toEqual([message, 503, 0]);
    }
    const counts = [200, 503].map((wanted) => told.filter(({ status }) => status === wanted).length);
    console.info(`short freezes: ${counts[0]} answered, ${counts[1]} refused`);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  },
  60_000,
);
