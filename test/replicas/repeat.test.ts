import { afterAll, beforeAll, expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  historyOf,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import { processPromise, promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(3, { MODEL_MAX_RETRIES: '0' });
});
afterAll(() => deployment.model.close());

const key = { idempotencyKey: 'press-1' };

promise(
  'repeat.same-turn',
  'fifty requests with one Idempotency-Key on three replicas are one turn with one answer',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const before = deployment.model.requests.length;
    const answers = Array.from({ length: 50 }, (_, index) =>
      chat(replicaOf(deployment, index % 3), 'repeat', 'hello', key),
    );
    await gate.reached;
    gate.open();
    const bodies = (await Promise.all(answers)).map((answer) => [answer.status, JSON.stringify(answer.body)]);
    expect(new Set(bodies.map(String)).size).toBe(1);
    expect(bodies[0]?.[0]).toBe(200);
    expect(deployment.model.requests.length).toBe(before + 1);
    expect(await historyOf(replicaOf(deployment, 2), 'repeat')).toEqual([
      'user: hello',
      'assistant: echo:hello',
    ]);
    const twice = [
      await chat(replicaOf(deployment, 0), 'repeat', 'hello'),
      await chat(replicaOf(deployment, 1), 'repeat', 'hello'),
    ];
    expect(twice[0]?.body.turn_id).not.toBe(twice[1]?.body.turn_id);
  },
);

promise(
  'repeat.either-route',
  'the same key is the same turn on either route, while it runs and after it ended',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ delta: 'x' }, { wait: gate }, ...echo(request)]);
    const [a, b, c] = [replicaOf(deployment, 0), replicaOf(deployment, 1), replicaOf(deployment, 2)];
    const json = chat(a, 'routes', 'hello', key);
    await gate.reached;
    const live = await say(b, 'routes', 'hello', key);
    await live.until('delta');
    gate.open();
    const body = (await json).body;
    await live.all();
    expect(turnIdOf(live)).toBe(body.turn_id);
    expect(live.text()).toBe(body.reply);
    const replayed = await say(c, 'routes', 'hello', key);
    const events = await replayed.all();
    expect(turnIdOf(replayed)).toBe(body.turn_id);
    expect(events.map((event) => event.id)).toEqual(live.events.map((event) => event.id));
    expect((await chat(b, 'routes', 'hello', key)).body).toEqual(body);
  },
);

promise('repeat.other-content', 'the same key with another message or on_busy is 422', async () => {
  deployment.model.reply(echo);
  const a = replicaOf(deployment, 0);
  expect((await chat(a, 'other', 'hello', key)).status).toBe(200);
  for (const again of [
    chat(a, 'other', 'bye', key),
    chat(a, 'other', 'hello', { ...key, onBusy: 'reject' }),
  ]) {
    expect(await again).toMatchObject({ status: 422, body: { error: { code: 'idempotency_mismatch' } } });
  }
  expect((await chat(a, 'other', 'hello', { ...key, onBusy: 'enqueue' })).status).toBe(200);
  expect((await chat(a, 'elsewhere', 'bye', key)).status).toBe(200);
  expect(await historyOf(a, 'other')).toHaveLength(2);
  const nameless = await call(a.url, 'POST', '/api/chat', { message: 'hello' }, { 'idempotency-key': 'k' });
  expect(nameless.status).toBe(400);
});

promise(
  'repeat.failed-runs-anew',
  'a turn that failed with a retryable error runs again under its key',
  async () => {
    let calls = 0;
    deployment.model.reply((request) => {
      calls += 1;
      return calls === 1 ? [{ status: 500 }] : echo(request);
    });
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    expect(await chat(a, 'anew', 'hello', key)).toMatchObject({
      status: 502,
      body: { error: { code: 'model_error' } },
    });
    const again = await chat(b, 'anew', 'hello', key);
    expect(again).toMatchObject({ status: 200, body: { reply: 'echo:hello', message_count: 2 } });
    expect((await chat(a, 'anew', 'hello', key)).body).toEqual(again.body);
    expect(calls).toBe(2);
  },
);

processPromise(
  'repeat.after-death',
  'a key means the same one turn after its replica died, before or after the answer',
  async () => {
    const gate = deployment.model.gate();
    let calls = 0;
    deployment.model.reply((request) => {
      calls += 1;
      return calls === 1 ? [{ delta: 'half' }, { wait: gate }] : echo(request);
    });
    const dying = await deployment.another();
    const lost = chat(dying, 'died', 'hello', key).catch(() => null);
    await gate.reached;
    await dying.kill();
    await lost;
    const again = await chat(replicaOf(deployment, 1), 'died', 'hello', key);
    expect(again).toMatchObject({ status: 200, body: { reply: 'echo:hello', message_count: 2 } });
    expect(calls).toBe(2);
    expect(await historyOf(replicaOf(deployment, 0), 'died')).toEqual([
      'user: hello',
      'assistant: echo:hello',
    ]);
  },
);
