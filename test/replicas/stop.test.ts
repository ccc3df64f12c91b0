import { afterAll, beforeAll, expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  follow,
  historyOf,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { processPromise, promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2);
});
afterAll(() => deployment.model.close());

/** The model says two pieces and stops at a gate; later calls echo. */
function gatedOnce() {
  const gate = deployment.model.gate();
  let calls = 0;
  deployment.model.reply((request) => {
    calls += 1;
    return calls === 1
      ? [{ delta: 'one ' }, { delta: 'two' }, { wait: gate }, { delta: ' three' }]
      : echo(request);
  });
  return gate;
}

function cancel(replica: { url: string }, conversationId: string, turnId: string) {
  return call(replica.url, 'POST', `/api/sessions/${conversationId}/turns/${turnId}/cancel`);
}

promise(
  'cancel.running.any-replica',
  'cancel from another replica aborts the model call within a second and keeps the logged deltas',
  async () => {
    const gate = gatedOnce();
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const own = await say(a, 'cancelled', 'hello');
    await gate.reached;
    await own.until('delta');
    const askedAt = performance.now();
    const request = deployment.model.requests.at(-1);
    const answer = await cancel(b, 'cancelled', turnIdOf(own));
    await request?.whenAborted;
    expect(performance.now() - askedAt).toBeLessThan(1000);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: 'cancelled',
      kept: true,
      finish_reason: 'cancelled',
      reply: 'one two',
    });
    const events = await own.all();
    expect(events.at(-1)).toMatchObject({ event: 'cancelled', data: { kept: true, message_count: 2 } });
    expect(await historyOf(b, 'cancelled')).toEqual(['user: hello', 'assistant: one two [truncated]']);
    expect((await cancel(a, 'cancelled', turnIdOf(own))).body).toEqual(answer.body);
    expect((await chat(b, 'cancelled', 'next')).status).toBe(200);
  },
);

promise('cancel.running.before-first-token', 'cancel before the first token stores nothing', async () => {
  const gate = deployment.model.gate();
  deployment.model.reply(() => [{ wait: gate }, { delta: 'late' }]);
  const own = await say(replicaOf(deployment, 0), 'silent', 'hello');
  await gate.reached;
  const answer = await cancel(replicaOf(deployment, 1), 'silent', turnIdOf(own));
  expect(answer.body).toMatchObject({ status: 'cancelled', kept: false, reply: null });
  expect((await own.all()).at(-1)).toMatchObject({
    event: 'cancelled',
    data: { kept: false, message_count: 0 },
  });
  expect(await historyOf(replicaOf(deployment, 0), 'silent')).toEqual([]);
});

promise('cancel.waiting', 'a waiting turn that is cancelled ends at once, without a model call', async () => {
  const gate = gatedOnce();
  const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
  const first = await say(a, 'queue', 'one');
  await gate.reached;
  const second = await say(a, 'queue', 'two');
  await second.until('queued');
  const json = chat(b, 'queue', 'three');
  const third = await waitFor(
    async () => (await call<{ position?: number }>(a.url, 'GET', '/api/sessions/queue')).status === 200,
    { timeoutMs: 1000, what: 'the session' },
  );
  expect(third).toBe(true);
  const answer = await cancel(b, 'queue', turnIdOf(second));
  expect(answer.body).toMatchObject({ status: 'cancelled', kept: false });
  expect((await second.all()).at(-1)?.event).toBe('cancelled');
  gate.open();
  expect((await first.all()).at(-1)?.event).toBe('done');
  expect((await json).body.reply).toBe('echo:three');
  expect(await historyOf(a, 'queue')).toEqual([
    'user: one',
    'assistant: one two three',
    'user: three',
    'assistant: echo:three',
  ]);
});

processPromise(
  'cancel.frozen-replica',
  'cancel ends a turn of a frozen replica from its log within a second',
  async () => {
    const gate = gatedOnce();
    const frozen = await deployment.another({ LOCK_TTL_MS: '20000' });
    const b = replicaOf(deployment, 1);
    const own = await say(frozen, 'frozen', 'hello');
    await gate.reached;
    // Not before the log has both pieces: only logged pieces are kept.
    const reader = await follow(b, 'frozen', turnIdOf(own));
    await waitFor(async () => reader.text() === 'one two', {
      timeoutMs: 3000,
      what: 'the log to have both deltas',
    });
    frozen.pause();
    const askedAt = performance.now();
    const answer = await cancel(b, 'frozen', turnIdOf(own));
    expect(performance.now() - askedAt).toBeLessThan(1000);
    expect(answer.body).toMatchObject({ status: 'cancelled', kept: true, reply: 'one two' });
    expect((await reader.all()).at(-1)?.event).toBe('cancelled');
    expect((await chat(b, 'frozen', 'next')).body.reply).toBe('echo:next');
    frozen.resume();
    gate.open();
    expect((await own.all()).at(-1)?.event).toBe('cancelled');
    expect(await historyOf(b, 'frozen')).toEqual([
      'user: hello',
      'assistant: one two [truncated]',
      'user: next',
      'assistant: echo:next',
    ]);
    await frozen.kill();
  },
);

processPromise(
  'busy.rollback.stays',
  'a rolled-back turn stores nothing, even when it is cancelled afterwards',
  async () => {
    const gate = gatedOnce();
    // A lease long enough that no replica takes it for dead meanwhile.
    const sleeper = await deployment.another({ LOCK_TTL_MS: '20000' });
    const b = replicaOf(deployment, 1);
    const own = await say(sleeper, 'rolled-back', 'hello');
    await gate.reached;
    // Logged, so it would be kept.
    await (await follow(b, 'rolled-back', turnIdOf(own))).until('delta');
    // So that it cannot end by the first stop request before the second arrives.
    sleeper.pause();
    const next = await say(b, 'rolled-back', 'instead', { onBusy: 'rollback' });
    await next.until('queued');
    expect((await cancel(b, 'rolled-back', turnIdOf(own))).body).toMatchObject({
      status: 'cancelled',
      kept: false,
    });
    expect((await next.all()).at(-1)?.event).toBe('done');
    expect(await historyOf(b, 'rolled-back')).toEqual(['user: instead', 'assistant: echo:instead']);
    sleeper.resume();
    await sleeper.kill();
  },
);

promise(
  'delete.ends-turns-everywhere',
  'deleting a session ends its running and waiting turns with session_deleted on every replica, and nothing comes back',
  async () => {
    const gate = gatedOnce();
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const running = await say(a, 'doomed', 'hello');
    await gate.reached;
    const viewer = await follow(b, 'doomed', turnIdOf(running));
    await viewer.until('delta');
    const waiting = await say(b, 'doomed', 'more');
    await waiting.until('queued');
    const json = chat(a, 'doomed', 'json');
    await waitFor(async () => (await deployment.redis.ask('ZCARD', 'turnwise:{-/doomed}:queue')) === 2, {
      timeoutMs: 2000,
      what: 'two waiting turns',
    });
    const deleted = await call(b.url, 'DELETE', '/api/sessions/doomed');
    expect(deleted).toMatchObject({ status: 200, body: { message: '会话已删除', session_id: 'doomed' } });
    for (const reader of [running, viewer, waiting]) {
      expect((await reader.all()).at(-1)).toMatchObject({
        event: 'error',
        data: { code: 'session_deleted' },
      });
    }
    expect(await json).toMatchObject({ status: 409, body: { error: { code: 'session_deleted' } } });
    gate.open();
    expect((await call(a.url, 'GET', '/api/sessions/doomed')).status).toBe(404);
    const fresh = await chat(a, 'doomed', 'who am I');
    expect(fresh.body).toMatchObject({ reply: 'echo:who am I', message_count: 2 });
    expect(deployment.model.requests.at(-1)?.messages).toHaveLength(1);
    expect((await turnOf(a, 'doomed', turnIdOf(running))).status).toBeUndefined();
    expect(await historyOf(b, 'doomed')).toEqual(['user: who am I', 'assistant: echo:who am I']);
    expect((await call(a.url, 'DELETE', '/api/sessions/never')).status).toBe(404);
  },
);
