import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { brokenReplies, endless, withoutDone } from '../../testkit/model/broken-replies.ts';
import type { Script, Step } from '../../testkit/model/model-script.ts';
import { echo, textDeltas } from '../../testkit/model/scripted-model.ts';
import { getMessages, getSession, saidIn } from '../../testkit/server/api.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

const mostBytes = 20_000;
let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, {
    MODEL_FIRST_TOKEN_TIMEOUT_MS: '1500',
    MODEL_IDLE_TIMEOUT_MS: '1000',
    TURN_MAX_SECONDS: '3',
    MAX_OUTPUT_BYTES: String(mostBytes),
  });
  replica = replicaOf(deployment, 0);
});

/** The model plays these scripts for these messages, and echoes others. */
function answerWith(scripts: Readonly<Record<string, () => Script>>): void {
  deployment.model.reply((request) => {
    const said = request.messages.at(-1)?.content ?? '';
    return Object.hasOwn(scripts, said) ? (scripts[said]?.() ?? []) : echo(request);
  });
}

const callsFor = (message: string) =>
  deployment.model.requests.filter(({ messages }) => messages.at(-1)?.content === message);

/**
 * Asks what the model cannot answer, by JSON and by SSE: each gets the code, history is unchanged, the words of the
 * model are not shown, and the session continues.
 */
async function failsOnBothRoutes(message: string, status: number, code: string): Promise<void> {
  const id = message.replaceAll(/[^a-z]/gi, '-');
  await chat(replica, id, 'before');
  const byJson = await chat(replica, id, message);
  expect(`${message}: ${byJson.status}`).toBe(`${message}: ${status}`);
  expect(byJson.body.error).toMatchObject({ code, message: expect.any(String) });
  expect(JSON.stringify(byJson.body)).not.toMatch(/scripted|half|Bad gateway|overloaded/);
  const stream = await say(replica, id, message);
  expect(stream.status).toBe(200);
  const last = (await stream.all()).at(-1);
  const turn_id = turnIdOf(stream);
  expect(last).toMatchObject({ event: 'error', data: { code, retryable: true, turn_id, session_id: id } });
  expect(JSON.stringify(last?.data)).not.toMatch(/scripted|half|Bad gateway|overloaded/);
  expect(await turnOf(replica, id, turn_id)).toMatchObject({
    status: 'failed',
    kept: false,
    error: { code },
  });
  expect(await saidIn(replica, id)).toEqual(['before', 'echo:before']);
  expect((await getSession(replica, id)).body.message_count).toBe(2);
  expect((await chat(replica, id, 'after')).body).toMatchObject({ reply: 'echo:after', message_count: 4 });
}

promise(
  'model.broken-stream',
  'an answer broken in any of twelve ways is model_error on both routes, and the session is unchanged',
  async () => {
    answerWith(brokenReplies);
    const names = Object.keys(brokenReplies);
    expect(names.length).toBeGreaterThanOrEqual(12);
    await Promise.all(names.map((name) => failsOnBothRoutes(name, 502, 'model_error')));
    for (const name of names) expect(`${name}: ${callsFor(name).length}`).toBe(`${name}: 2`);
  },
);

promise(
  'model.silent',
  'a model that never begins, or falls silent, is model_timeout in time, and its call is aborted',
  async () => {
    answerWith({
      'no head': () => [{ delayMs: 20_000 }],
      'no token': () => [{ headers: {} }, { hang: true }],
      'no further token': () => [{ delta: 'half' }, { hang: true }],
    });
    const since = performance.now();
    const names = ['no head', 'no token', 'no further token'];
    await Promise.all(names.map((name) => failsOnBothRoutes(name, 504, 'model_timeout')));
    // At most 1.5 s for each of the two routes.
    expect(performance.now() - since).toBeLessThan(8000);
    for (const name of names) for (const request of callsFor(name)) await request.whenAborted;
  },
);

promise(
  'model.babbling',
  'an answer over MAX_OUTPUT_BYTES is model_error and its call aborted; one of exactly that length is stored',
  async () => {
    answerWith({
      'no end': () => endless(500, 0),
      'one big piece': () => [{ delta: '长'.repeat(mostBytes) }],
      'just fits': () => textDeltas('é'.repeat(mostBytes / 2), 300),
    });
    await failsOnBothRoutes('no end', 502, 'model_error');
    for (const request of callsFor('no end')) await request.whenAborted;
    await failsOnBothRoutes('one big piece', 502, 'model_error');
    expect((await chat(replica, 'fits', 'just fits')).body.reply).toBe('é'.repeat(mostBytes / 2));
  },
);

promise(
  'model.turn-max',
  'a turn whose answer trickles on is model_timeout after TURN_MAX_SECONDS',
  async () => {
    answerWith({ drip: () => endless(1, 100) });
    const since = performance.now();
    const answer = await chat(replica, 'dripping', 'drip');
    const ms = performance.now() - since;
    expect(answer).toMatchObject({ status: 504, body: { error: { code: 'model_timeout' } } });
    expect(ms).toBeGreaterThan(2900);
    expect(ms).toBeLessThan(6000);
    for (const request of callsFor('drip')) await request.whenAborted;
    expect(await saidIn(replica, 'dripping')).toEqual([]);
    expect((await chat(replica, 'dripping', 'go on')).body.message_count).toBe(2);
  },
);

promise(
  'model.retries',
  'a call is retried unchanged MODEL_MAX_RETRIES times, but only before any part of an answer arrived',
  async () => {
    const soon = { 'retry-after-ms': '1' };
    const inTurn = (...scripts: (() => Script)[]) => {
      let calls = 0;
      return (): Script => {
        calls += 1;
        return scripts[Math.min(calls, scripts.length) - 1]?.() ?? [];
      };
    };
    const good = () => textDeltas('in the end');
    const busy = () => [{ status: 429, headers: soon }];
    const failed = () => [{ status: 500, headers: soon }];
    answerWith({
      'third time': inTurn(failed, busy, good),
      'connection lost at first': inTurn(() => [{ destroySocket: true }], good),
      'an error at first': inTurn(() => [{ chunk: { error: { code: 503 } } }, { end: true }], good),
      'not for two minutes': () => [{ status: 429, headers: { 'retry-after': '120' } }],
      'always 500': failed,
      'always 429': busy,
      'our mistake': () => [{ status: 400, headers: soon }],
      'after a token': inTurn(() => [{ delta: 'half' }, { destroySocket: true }], good),
      'wait an hour': () => [{ status: 429, headers: { 'retry-after': '3600' } }],
    });
    const expected = {
      'third time': [200, 3],
      'connection lost at first': [200, 2],
      'an error at first': [200, 2],
      'not for two minutes': [502, 1],
      'always 500': [502, 3],
      'always 429': [502, 3],
      'our mistake': [502, 1],
      'after a token': [502, 1],
    } as const;
    await Promise.all(
      Object.entries(expected).map(async ([message, [status, calls]]) => {
        const answer = await chat(replica, message.replaceAll(' ', '-'), message);
        const requests = callsFor(message);
        expect([message, answer.status, requests.length]).toEqual([message, status, calls]);
        if (status === 200) expect(answer.body).toMatchObject({ reply: 'in the end', message_count: 2 });
        expect(new Set(requests.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      }),
    );
    // A Retry-After of the model does not delay the caller longer than the first-token timeout.
    const since = performance.now();
    expect((await chat(replica, 'hour', 'wait an hour')).status).toBeGreaterThanOrEqual(502);
    expect(performance.now() - since).toBeLessThan(3000);
  },
);

promise('model.without-done', 'an answer that finishes but lacks the last [DONE] is complete', async () => {
  answerWith({ 'no done': withoutDone });
  const { status, body } = await chat(replica, 'no-done', 'no done');
  expect(status).toBe(200);
  expect(body).toMatchObject({ reply: 'whole', finish_reason: 'stop', usage: null, message_count: 2 });
  const { messages } = (await getMessages(replica, 'no-done')).body;
  expect(messages.map(({ role, content }) => `${role}: ${content}`)).toEqual([
    'user: no done',
    'assistant: whole',
  ]);
  expect(messages[1]).not.toHaveProperty('truncated');
});

const chunkWith = (delta: object, rest: object = {}) => ({
  chunk: { choices: [{ index: 0, delta, finish_reason: null }], ...rest },
});

promise(
  'model.odd-usage',
  'usage that is not three counts is null, and a finish reason of any length is not an error',
  async () => {
    const counts = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const odd: unknown[] = [{}, { ...counts, total_tokens: undefined }, { ...counts, prompt_tokens: 1.5 }];
    odd.push(
      { ...counts, completion_tokens: '2' },
      { ...counts, total_tokens: -3 },
      'many',
      [1, 2, 3],
      1e300,
    );
    for (const [index, usage] of [...odd, { ...counts, total_tokens: 1e300 }].entries()) {
      answerWith({
        count: () => [
          { delta: 'said' },
          { finish: 'stop' },
          { chunk: { choices: [], usage } },
          { end: true },
        ],
      });
      const answer = await chat(replica, `usage-${index}`, 'count');
      expect([usage, answer.status, answer.body.usage]).toEqual([usage, 200, null]);
    }
    answerWith({ finish: () => [{ delta: 'said' }, { finish: 'x'.repeat(100_000) }] });
    const { status, body } = await chat(replica, 'long-reason', 'finish');
    expect([status, body.finish_reason]).toEqual([200, 'x'.repeat(64)]);
    const unfinished = { choices: [{ index: 0, delta: { content: 'both ' }, finish_reason: '' }] };
    answerWith({ empty: () => [{ chunk: unfinished }, { delta: 'halves' }] });
    expect((await chat(replica, 'empty-reason', 'empty')).body.reply).toBe('both halves');
  },
);

promise(
  'model.thinks-aloud',
  'a model that streams reasoning past the first-token timeout is waited for; one that stops is not',
  async () => {
    const thought = chunkWith({ reasoning_content: 'hm' });
    const thinking = Array.from({ length: 6 }, () => [thought, { delayMs: 400 }]).flat();
    answerWith({
      'think long': () => [...thinking, { delta: 'thought over' }],
      'think and stop': () => [thought, { hang: true }],
    });
    const [over, stopped] = await Promise.all([
      chat(replica, 'thinks', 'think long'),
      chat(replica, 'stops', 'think and stop'),
    ]);
    expect([over.status, over.body.reply]).toEqual([200, 'thought over']);
    expect(stopped).toMatchObject({ status: 504, body: { error: { code: 'model_timeout' } } });
  },
);

promise(
  'model.endless-line',
  'a line without an end is model_error once it is longer than any answer could be, and its call is aborted',
  async () => {
    let sent = 0;
    const noEnd = async function* (): AsyncGenerator<Step> {
      yield { raw: 'data: {"choices":[{"index":0,"delta":{"content":"' };
      for (; sent < 100; sent += 1) yield { raw: 'x'.repeat(mostBytes) };
      yield { hang: true };
    };
    answerWith({ line: noEnd });
    const answer = await chat(replica, 'line', 'line');
    expect(answer).toMatchObject({ status: 502, body: { error: { code: 'model_error' } } });
    for (const request of callsFor('line')) await request.whenAborted;
  },
);
