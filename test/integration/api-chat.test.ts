import { beforeAll, beforeEach, expect } from 'vitest';
import { call, chat, openRequest, readText } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { callCount, type TurnBody } from '../../testkit/server/api.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

const origin = 'http://localhost:3000';
const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const turnId = /^[A-Za-z0-9_-]{1,64}$/;
let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0' });
  replica = replicaOf(deployment, 0);
});
beforeEach(() => deployment.model.reply(echo));

const getTurn = async (id: string, turn: string) =>
  (await call<TurnBody>(replica.url, 'GET', `/api/sessions/${id}/turns/${turn}`)).body;

promise(
  'api.chat.reply',
  'a JSON chat replies with reply, ids, count, finish reason and usage, and nothing else',
  async () => {
    const { status, headers, body } = await chat(replica, 'shape', 'hello');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(body).toEqual({
      reply: 'echo:hello',
      session_id: 'shape',
      turn_id: expect.stringMatching(turnId),
      message_count: 2,
      finish_reason: 'stop',
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });
    expect(headers).toMatchObject({ 'x-session-id': 'shape', 'x-turn-id': body.turn_id });
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers).not.toHaveProperty('x-powered-by');
    deployment.model.reply(() => [{ delta: 'cut' }, { finish: 'length' }, { end: true }]);
    const second = await chat(replica, 'shape', 'again');
    expect(second.body).toMatchObject({ finish_reason: 'length', usage: null, message_count: 4 });
  },
);

promise(
  'api.chat.new-session',
  'a chat without conversation_id begins a new session under an id that cannot be guessed',
  async () => {
    const answers = await Promise.all([1, 2, 3].map((index) => chat(replica, undefined, `hello ${index}`)));
    const ids = answers.map(({ body }) => body.session_id);
    expect(new Set(ids).size).toBe(3);
    for (const { body, headers } of answers) {
      expect(body.session_id).toMatch(/^[A-Za-z0-9._:@~-]{22,128}$/);
      expect(headers['x-session-id']).toBe(body.session_id);
      expect(body.message_count).toBe(2);
    }
    expect((await chat(replica, ids[0], 'and on')).body.message_count).toBe(4);
  },
);

promise(
  'api.stream.events',
  'a streamed chat sends its ids in the head, then started, deltas and done, each with a rising id',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const stream = await say(replica, 'events', 'hello there');
    // The head is sent before the model has said anything.
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'x-session-id': 'events',
      'x-turn-id': expect.stringMatching(turnId),
      'x-accel-buffering': 'no',
    });
    expect(stream.headers['content-type']).toMatch(/^text\/event-stream\b/);
    expect(String(stream.headers['cache-control']).split(/, */)).toContain('no-cache');
    const ids = { turn_id: turnIdOf(stream), session_id: 'events' };
    expect((await stream.next())?.event).toBe('started');
    gate.open();
    const events = await stream.all();
    expect(stream.ended).toBe('terminal');
    expect(events.map(({ event, data }) => ({ event, data }))).toEqual([
      { event: 'started', data: { ...ids, attempt: 1 } },
      { event: 'delta', data: { content: 'echo:he' } },
      { event: 'delta', data: { content: 'llo the' } },
      { event: 'delta', data: { content: 're' } },
      {
        event: 'done',
        data: {
          ...ids,
          finish_reason: 'stop',
          usage: { prompt_tokens: 1, completion_tokens: 3, total_tokens: 4 },
          message_count: 2,
        },
      },
    ]);
    const places = events.map(({ id }) => (id ?? '').split('-').map(Number));
    for (const [index, [attempt = Number.NaN, seq = Number.NaN]] of places.entries()) {
      const [attemptBefore = 0, seqBefore = 0] = places[index - 1] ?? [];
      expect(attempt > attemptBefore || (attempt === attemptBefore && seq > seqBefore)).toBe(true);
    }
  },
);

promise(
  'api.chat.cancelled',
  'a cancelled JSON chat replies 200 with the text so far, and a second cancel replies the same',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'so far' }, { wait: gate }]);
    const answer = chat(replica, 'cancelled', 'hello');
    await gate.reached;
    const running = await say(replica, 'cancelled', 'behind');
    await running.until('queued');
    // The turn in the way is the running one, not the waiting one.
    const busy = await chat(replica, 'cancelled', 'who', { onBusy: 'reject' });
    const path = `/api/sessions/cancelled/turns/${busy.body.error?.turn_id}/cancel`;
    const cancelled = await call<TurnBody>(replica.url, 'POST', path);
    expect(cancelled).toMatchObject({
      status: 200,
      body: { status: 'cancelled', reply: 'so far', kept: true },
    });
    expect(await answer).toMatchObject({
      status: 200,
      body: { reply: 'so far', finish_reason: 'cancelled', usage: null, message_count: 2 },
    });
    expect((await call<TurnBody>(replica.url, 'POST', path)).body).toEqual(cancelled.body);
    deployment.model.reply(echo);
    gate.open();
    running.destroy();
  },
);

promise(
  'api.turn.each-status',
  'a turn can be looked up in every status, with null for what is not known yet',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const first = await say(replica, 'states', 'first');
    await gate.reached;
    const second = await say(replica, 'states', 'second');
    await second.until('queued');
    const [runningId, waitingId] = [turnIdOf(first), turnIdOf(second)];
    const common = { session_id: 'states', created_at: expect.stringMatching(isoTime) };
    const notYet = { reply: null, kept: null, finish_reason: null, usage: null, error: null, ended_at: null };
    expect(await getTurn('states', waitingId)).toEqual({
      ...{ ...common, ...notYet, turn_id: waitingId, status: 'queued' },
      ...{ attempt: 0, position: 1, started_at: null },
    });
    const started_at = expect.stringMatching(isoTime);
    expect(await getTurn('states', runningId)).toEqual({
      ...{ ...common, ...notYet, turn_id: runningId, status: 'running' },
      ...{ attempt: 1, position: null, started_at },
    });
    gate.open();
    await Promise.all([first.all(), second.all()]);
    const over = { attempt: 1, position: null, started_at, ended_at: expect.stringMatching(isoTime) };
    expect(await getTurn('states', runningId)).toEqual({
      ...{ ...common, ...over, turn_id: runningId, status: 'completed', reply: 'echo:first', kept: true },
      ...{ finish_reason: 'stop', error: null },
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });
    deployment.model.reply(() => [{ status: 400 }]);
    const failed = await say(replica, 'states', 'third');
    await failed.all();
    expect(await getTurn('states', turnIdOf(failed))).toEqual({
      ...{ ...common, ...over, ...{ turn_id: turnIdOf(failed), status: 'failed', reply: null, kept: false } },
      ...{ finish_reason: null, usage: null },
      error: { code: 'model_refused', message: expect.any(String), retryable: false, model_status: 400 },
    });
    deployment.model.reply(() => [{ hang: true }]);
    const stopped = await say(replica, 'states', 'fourth');
    const path = `/api/sessions/states/turns/${turnIdOf(stopped)}`;
    const answer = await call(replica.url, 'POST', `${path}/cancel`);
    expect(answer.body).toEqual({
      ...{ ...common, ...over, turn_id: turnIdOf(stopped), status: 'cancelled', reply: null, kept: false },
      ...{ finish_reason: 'cancelled', usage: null, error: null },
    });
    expect((await call(replica.url, 'GET', path)).body).toEqual(answer.body);
  },
);

promise(
  'api.cors',
  'a page on an allowed origin may call both routes and read the ids of a turn; another origin may not',
  async () => {
    const body = { message: 'hello', conversation_id: 'cors' };
    for (const path of ['/api/chat', '/api/chat/stream']) {
      const url = `${replica.url}${path}`;
      const allowed = await openRequest(url, { method: 'POST', body, headers: { origin } });
      await readText(allowed);
      expect(allowed.headers['access-control-allow-origin']).toBe(origin);
      expect(allowed.headers.vary).toMatch(/\borigin\b/i);
      const exposed = String(allowed.headers['access-control-expose-headers']).toLowerCase().split(/, */);
      expect(exposed).toEqual(expect.arrayContaining(['x-session-id', 'x-turn-id']));
      const preflight = await openRequest(url, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type,idempotency-key',
        },
      });
      expect(preflight.statusCode).toBe(204);
      expect(preflight.headers['access-control-allow-origin']).toBe(origin);
      expect(preflight.headers['access-control-allow-headers']).toMatch(/idempotency-key/i);
      for (const foreign of ['http://localhost:3000.evil.example', 'http://evil.example', 'null']) {
        const refused = await openRequest(url, { method: 'POST', body, headers: { origin: foreign } });
        await readText(refused);
        expect(refused.headers['access-control-allow-origin']).toBeUndefined();
        expect(refused.headers['access-control-allow-credentials']).toBeUndefined();
      }
    }
    expect(callCount(deployment)).toBeGreaterThan(0);
  },
);

promise('api.request-id', "a request keeps its caller's request id, if that one is harmless", async () => {
  const given = await call(replica.url, 'GET', '/livez', undefined, { 'x-request-id': 'abc-123' });
  expect(given.headers['x-request-id']).toBe('abc-123');
  const missing = await call<{ error: { request_id: string } }>(replica.url, 'GET', '/nowhere');
  expect(missing.headers['x-request-id']).toMatch(/^[A-Za-z0-9-]{1,64}$/);
  expect(missing.body.error.request_id).toBe(missing.headers['x-request-id']);
  for (const hostile of ['a b', '<script>', 'x'.repeat(65), '{"a":1}', 'ä']) {
    const { headers } = await call(replica.url, 'GET', '/livez', undefined, { 'x-request-id': hostile });
    expect(headers['x-request-id']).toMatch(/^[A-Za-z0-9-]{1,64}$/);
    expect(headers['x-request-id']).not.toBe(hostile);
  }
});
