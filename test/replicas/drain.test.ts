import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, onTestFinished } from 'vitest';
import { call, chat, readText } from '../../testkit/http/http.ts';
import { openStream } from '../../testkit/http/sse.ts';
import { echo, type ModelRequest } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  follow,
  historyOf,
  replicaOf,
  say,
  startDeployment,
  startStore,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  // A lease far longer than these tests: a replica that waits for it to expire is too late.
  deployment = await startDeployment(1, { LOCK_TTL_MS: '30000' });
});

const lastSaid = (request: ModelRequest) => request.messages.at(-1)?.content ?? '';

/** The first call for each of these messages says one piece and stops at a gate; other calls echo. */
function holdOnce(...messages: string[]) {
  const gates = new Map(messages.map((message) => [message, deployment.model.gate()]));
  const held = new Set<string>();
  deployment.model.reply((request) => {
    const gate = gates.get(lastSaid(request));
    if (gate === undefined || held.has(lastSaid(request))) return echo(request);
    held.add(lastSaid(request));
    return [{ delta: 'begun' }, { wait: gate }, { delta: ' and ended' }];
  });
  return (message: string) => gates.get(message);
}

promise(
  'shutdown.turns-end',
  'after SIGTERM the replica is unready at once, accepts turns for the delay and then refuses them, and running turns end',
  async () => {
    const leaving = await deployment.another({ SHUTDOWN_DELAY_SECONDS: '3', SHUTDOWN_GRACE_SECONDS: '20' });
    const gate = holdOnce('long');
    const running = await say(leaving, 'stays', 'long');
    await running.until('delta');
    leaving.term();
    const askedAt = performance.now();
    await waitFor(async () => (await call(leaving.url, 'GET', '/readyz')).status === 503, {
      timeoutMs: 1000,
      what: 'the replica to be unready',
    });
    expect((await call(leaving.url, 'GET', '/livez')).status).toBe(200);
    const admitted = await chat(leaving, 'late', 'still taken in');
    expect(admitted).toMatchObject({ status: 200, body: { reply: 'echo:still taken in' } });
    expect(performance.now() - askedAt).toBeLessThan(3000);
    await sleep(3000 - (performance.now() - askedAt));
    const refused = await waitFor(
      async () => {
        const answer = await chat(leaving, 'too-late', 'not taken in');
        return answer.status === 503 && answer;
      },
      { timeoutMs: 3000, what: 'new turns to be refused' },
    );
    expect(refused.body).toMatchObject({ error: { code: 'draining' } });
    expect(refused.body.error).not.toHaveProperty('turn_id');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    gate('long')?.open();
    expect((await running.all()).at(-1)?.event).toBe('done');
    expect(running.text()).toBe('begun and ended');
    expect(await leaving.exited).toBe(0);
    expect(await historyOf(replicaOf(deployment, 0), 'stays')).toEqual([
      'user: long',
      'assistant: begun and ended',
    ]);
  },
);

promise(
  'shutdown.hand-over',
  'turns that still run or wait after the grace period continue elsewhere at once, and their clients learn where',
  async () => {
    const survivor = replicaOf(deployment, 0);
    const leaving = await deployment.another({ SHUTDOWN_GRACE_SECONDS: '1' });
    const gate = holdOnce('streamed', 'json', 'elsewhere');
    const stream = await say(leaving, 'handed', 'streamed');
    await stream.until('delta');
    const waiting = await say(leaving, 'handed', 'waits');
    await waiting.until('queued');
    const json = chat(leaving, 'handed-json', 'json');
    await gate('json')?.reached;
    const other = await say(survivor, 'elsewhere', 'elsewhere');
    const viewer = await follow(leaving, 'elsewhere', turnIdOf(other));
    await viewer.until('delta');
    leaving.term();
    const answer = await json;
    expect(answer).toMatchObject({
      status: 503,
      body: { error: { code: 'draining', turn_id: answer.headers['x-turn-id'] } },
    });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    const streamUrl = String(answer.body.error?.stream_url);
    expect(streamUrl).toBe(`/api/sessions/handed-json/turns/${answer.headers['x-turn-id']}/stream`);
    for (const reader of [stream, waiting, viewer]) {
      await reader.all(15_000);
      expect(reader.ended).toBe('cut');
    }
    expect(await leaving.exited).toBe(0);

    const closedAt = performance.now();
    const resumed = await follow(survivor, 'handed', turnIdOf(stream), stream.events.at(-1)?.id);
    expect((await resumed.all()).map(({ event }) => event).filter((name) => name !== 'delta')).toEqual([
      'restarted',
      'done',
    ]);
    expect(resumed.text()).toBe('echo:streamed');
    const later = await follow(survivor, 'handed', turnIdOf(waiting), waiting.events.at(-1)?.id);
    expect((await later.all()).at(-1)?.event).toBe('done');
    expect(later.text()).toBe('echo:waits');
    const jsonAgain = await openStream(`${survivor.url}${streamUrl}`);
    expect((await jsonAgain.all()).at(-1)?.event).toBe('done');
    expect(performance.now() - closedAt).toBeLessThan(5000);
    gate('elsewhere')?.open();
    const again = await follow(survivor, 'elsewhere', turnIdOf(other), viewer.events.at(-1)?.id);
    expect((await again.all()).at(-1)?.event).toBe('done');

    expect((await turnOf(survivor, 'handed', turnIdOf(waiting))).attempt).toBe(1);
    expect(await historyOf(survivor, 'handed')).toEqual([
      'user: streamed',
      'assistant: echo:streamed',
      'user: waits',
      'assistant: echo:waits',
    ]);
    expect(await historyOf(survivor, 'handed-json')).toEqual(['user: json', 'assistant: echo:json']);
  },
);

promise(
  'shutdown.own-shape',
  'a request on an open connection while a replica closes gets an error of the API, or none',
  async () => {
    const { model } = deployment;
    const gate = model.gate();
    model.reply(() => [{ delta: 'x' }, { wait: gate }]);
    const steady = replicaOf(deployment, 0);
    const leaving = await deployment.another({ SHUTDOWN_DELAY_SECONDS: '0', SHUTDOWN_GRACE_SECONDS: '1' });
    const turn = await say(steady, 'shape', 'hello');
    await turn.until('delta');
    // It follows the log, so the closing replica has an open reader to wait for.
    const reader = await follow(leaving, 'shape', turnIdOf(turn));
    await reader.until('delta');
    const agent = new Agent({ keepAlive: true });
    const answers: { status: number; text: string }[] = [];
    let isOver = false;
    const ask = async () => {
      while (!isOver) {
        const answer = await askThrough(agent, `${leaving.url}/api/sessions`).catch(() => null);
        if (answer === null) return;
        answers.push(answer);
      }
    };
    const asking = Array.from({ length: 8 }, ask);
    await waitFor(() => answers.length > 50, { what: 'all clients to send requests' });
    leaving.term();
    expect(await leaving.exited).toBe(0);
    isOver = true;
    await Promise.all(asking);
    agent.destroy();
    gate.open();
    const strange = answers.filter(({ status, text }) => status !== 200 && !/"code":"[a-z_]+"/.test(text));
    expect(strange).toEqual([]);
  },
);

/** One request on a kept-alive connection. */
function askThrough(agent: Agent, url: string): Promise<{ status: number; text: string }> {
  const { promise: answer, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const asked = get(url, { agent }, (response) => {
    readText(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
  });
  asked.once('error', reject);
  return answer;
}

promise(
  'shutdown.without-redis',
  'a replica that gets SIGTERM while Redis is away exits in time; its stream is cut, and the turn completes on the next one',
  async () => {
    const own = await startDeployment(1, { SHUTDOWN_GRACE_SECONDS: '1' }, startStore('restarts'));
    const leaving = replicaOf(own, 0);
    const gate = own.model.gate();
    own.model.reply(() => [{ delta: 'begun' }, { wait: gate }]);
    const stream = await say(leaving, 'left', 'hello');
    await stream.until('delta');
    own.redis.pause();
    leaving.term();
    const askedAt = performance.now();
    await stream.all(15_000);
    expect(stream.ended).toBe('cut');
    expect(await leaving.exited).toBe(0);
    // The grace period, then at most 2 s for hand-overs and 2 s for open connections.
    expect(performance.now() - askedAt).toBeLessThan(7000);
    own.redis.resume();
    const next = await own.another();
    own.model.reply(echo);
    const resumed = await follow(next, 'left', turnIdOf(stream), stream.events.at(-1)?.id);
    expect((await resumed.all()).at(-1)?.event).toBe('done');
    expect(resumed.text()).toBe('echo:hello');
  },
);

promise(
  'shutdown.hand-over.uncounted',
  'a turn handed over by any number of deploys is answered, even with TURN_MAX_ATTEMPTS=1',
  async () => {
    const env = { SHUTDOWN_GRACE_SECONDS: '0', TURN_MAX_ATTEMPTS: '1' };
    const gate = deployment.model.gate();
    let calls = 0;
    deployment.model.reply(() => {
      calls += 1;
      return [{ delta: 'as long ' }, { wait: gate }, { delta: 'as it takes' }];
    });
    replicaOf(deployment, 0).pause();
    onTestFinished(() => replicaOf(deployment, 0).resume());
    let current = await deployment.another(env);
    const own = await say(current, 'deployed', 'long');
    for (let deploys = 1; deploys <= 5; deploys += 1) {
      await waitFor(() => Promise.resolve(calls === deploys), { timeoutMs: 10_000, what: `call ${deploys}` });
      const next = await deployment.another(env);
      current.term();
      expect(await current.exited).toBe(0);
      current = next;
    }
    await waitFor(() => Promise.resolve(calls === 6), { timeoutMs: 10_000, what: 'the last call' });
    gate.open();
    const reader = await follow(current, 'deployed', turnIdOf(own));
    expect((await reader.all(15_000)).at(-1)?.event).toBe('done');
    expect(await historyOf(current, 'deployed')).toEqual(['user: long', 'assistant: as long as it takes']);
    expect((await turnOf(current, 'deployed', turnIdOf(own))).attempt).toBe(6);
  },
  60_000,
);
