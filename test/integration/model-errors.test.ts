import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import type { Script, Step } from '../../testkit/model/model-script.ts';
import { answersOf, callsFor, choice, delta, done, end, idOf, json } from '../../testkit/model/model-wire.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { getMessages, saidIn } from '../../testkit/server/api.ts';
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

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1);
  replica = replicaOf(deployment, 0);
  // By then the server has accepted `stream_options`.
  await chat(replica, 'warm', 'up');
});

/** Each breaks off or refuses, with the code of the failed turn. */
const BROKEN: Readonly<Record<string, { code: string; script: () => Script }>> = {
  'reason error': { code: 'model_error', script: () => [delta('half'), { finish: 'error' }] },
  'reason abort': { code: 'model_error', script: () => [delta('half'), { finish: 'abort' }] },
  'reason of DeepSeek': {
    code: 'model_error',
    script: () => [delta('half'), { finish: 'insufficient_system_resource' }],
  },
  'reset behind more text': {
    code: 'model_error',
    script: () => [delta('a'), { finish: 'stop' }, delta('b'), { destroySocket: true }],
  },
  'thoughts alone': {
    code: 'model_error',
    script: () => [{ chunk: choice({ delta: { reasoning_content: 'hm' } }) }],
  },
  'calls alone': {
    code: 'model_error',
    script: () => [{ chunk: choice({ delta: { tool_calls: [{ index: 0 }] } }) }, { finish: 'tool_calls' }],
  },
  'an error event': {
    code: 'model_error',
    script: () => [delta('half'), { raw: 'event: error\ndata: {"code":"overloaded_error"}\n\n' }, end],
  },
  'an error event of words': {
    code: 'model_error',
    script: () => [delta('half'), { raw: 'event: error\ndata: SECRET words\n\n' }, end],
  },
  'an error of older vLLM': {
    code: 'model_error',
    script: () => [delta('half'), { chunk: { object: 'error', message: 'SECRET', code: 500 } }, end],
  },
  'an error in a choice': {
    code: 'model_error',
    script: () => [
      delta('half'),
      { chunk: choice({ delta: {}, error: { code: 502, message: 'SECRET' } }) },
      end,
    ],
  },
  'an error as a bare line': {
    code: 'model_error',
    script: () => [delta('half'), { raw: '{"error":{"code":"rate_limited","message":"SECRET"}}\n\n' }, end],
  },
  'an error line of llama.cpp': {
    code: 'model_error',
    script: () => [delta('half'), { raw: 'error: {"code":500,"message":"SECRET"}\n\n' }, done, end],
  },
  'an error of FastChat': {
    code: 'model_error',
    script: () => [delta('half'), { raw: 'data: {"text":"SECRET","error_code":50001}\n\n' }, done, end],
  },
  'an error of FastAPI': {
    code: 'model_error',
    script: () => [delta('half'), { raw: 'data: {"detail":"SECRET"}\n\n' }, done, end],
  },
  'an error of MiniMax': {
    code: 'model_error',
    script: () => [
      delta('half'),
      { raw: 'data: {"base_resp":{"status_code":1004,"status_msg":"SECRET"}}\n\n' },
      done,
      end,
    ],
  },
  'an error of code and message': {
    code: 'model_error',
    script: () => [delta('half'), { raw: 'data: {"code":429,"message":"SECRET"}\n\n' }, done, end],
  },
  'a list of one error': {
    code: 'model_error',
    script: () => [
      delta('half'),
      { raw: 'data: [{"error":{"code":503,"message":"SECRET"}}]\n\n' },
      done,
      end,
    ],
  },
  'an error of the server that speaks of keys': {
    code: 'model_error',
    script: () => [{ chunk: { error: { type: 'server_error', message: 'authentication SECRET' } } }, end],
  },
  'a page under 200': {
    code: 'model_error',
    script: () => [{ headers: { 'content-type': 'text/html' } }, { raw: '<html>SECRET</html>' }, end],
  },
  'an error under 200': {
    code: 'model_error',
    script: () => [json({ error: { code: 'insufficient_quota', message: 'SECRET' } })],
  },
  'a word under 200': { code: 'model_error', script: () => [json({ error: 'SECRET' })] },
  'a refusal under 200': {
    code: 'model_refused',
    script: () => [json({ error: { code: 400, message: 'SECRET' } })],
  },
  'a refusal in the stream': {
    code: 'model_refused',
    script: () => [{ chunk: { error: { type: 'invalid_request_error', message: 'SECRET' } } }, end],
  },
  'a filter before any text': { code: 'model_refused', script: () => [{ finish: 'content_filter' }] },
};

promise(
  'model.wire.errors',
  'an answer that breaks off is never done, whatever the server claims; the log has the code, and none of the text',
  async () => {
    deployment.model.reply(
      answersOf(Object.fromEntries(Object.entries(BROKEN).map(([name, { script }]) => [name, script]))),
    );
    const found = await Promise.all(
      Object.keys(BROKEN).map(async (name) => {
        const stream = await say(replica, idOf(name), name);
        const last = (await stream.all()).at(-1);
        return [name, last?.event, last?.data.code, last?.data.retryable, await saidIn(replica, idOf(name))];
      }),
    );
    expect(found).toEqual(
      Object.entries(BROKEN).map(([name, { code }]) => [name, 'error', code, code === 'model_error', []]),
    );
    expect(replica.output()).toContain('insufficient_quota');
    expect(replica.output()).toContain('a page of HTML');
    expect(replica.output()).not.toContain('SECRET');
  },
);

promise(
  'model.filter',
  'a content filter after text ends the answer with its reason; before any text it is a refusal, with status 200',
  async () => {
    deployment.model.reply(
      answersOf({
        late: () => [delta('so far'), { finish: 'content_filter' }],
        early: () => [{ finish: 'content_filter' }],
      }),
    );
    const late = await chat(replica, 'filtered-late', 'late');
    expect(late.body).toMatchObject({ reply: 'so far', finish_reason: 'content_filter', message_count: 2 });
    const early = await chat(replica, 'filtered-early', 'early');
    expect(early).toMatchObject({
      status: 502,
      body: { error: { code: 'model_refused', model_status: 200 } },
    });
  },
);

promise(
  'model.refused',
  'what a model server refuses for good is model_refused with its status, asked once, and the same under its key',
  async () => {
    deployment.model.reply((request) => {
      const status = Number(/^refuse (\d+)$/.exec(request.messages.at(-1)?.content ?? '')?.[1]);
      return status > 0 ? [{ status, headers: { 'retry-after-ms': '1' } }] : echo(request);
    });
    for (const status of [400, 401, 403, 404, 413, 422]) {
      const [id, message] = [`refused-${status}`, `refuse ${status}`];
      const byJson = await chat(replica, `${id}.json`, message);
      expect(byJson).toMatchObject({
        status: 502,
        body: { error: { code: 'model_refused', model_status: status, session_id: `${id}.json` } },
      });
      const stream = await say(replica, id, message, { idempotencyKey: 'k' });
      const last = (await stream.all()).at(-1);
      expect(last?.data).toMatchObject({ code: 'model_refused', retryable: false, model_status: status });
      const { error } = await turnOf(replica, id, turnIdOf(stream));
      expect(error).toMatchObject({ code: 'model_refused', retryable: false, model_status: status });
      const again = await say(replica, id, message, { idempotencyKey: 'k' });
      expect(turnIdOf(again)).toBe(turnIdOf(stream));
      expect((await again.all()).at(-1)?.data).toEqual(last?.data);
      expect([status, callsFor(deployment.model, message).length]).toEqual([status, 2]);
      expect((await getMessages(replica, id)).body.messages).toEqual([]);
    }
    const busy = await chat(replica, 'refused-429', 'refuse 429');
    expect(busy).toMatchObject({ status: 502, body: { error: { code: 'model_error' } } });
    expect(busy.body.error).not.toHaveProperty('model_status');
    expect(callsFor(deployment.model, 'refuse 429').length).toBe(3);
  },
);

promise(
  'model.heartbeats',
  'heartbeats neither make nor end an answer; alone they keep a call alive for ten times the idle timeout at most',
  async () => {
    const beats = [
      'data: \n\n',
      'data:\r\n\r\n',
      'event: ping\n\n',
      ': waiting\n\n',
      '\n',
      'id: 1\n\n',
      'retry: 10\n\n',
      'data: ping\n\n',
      'event: ping\ndata: {"type":"ping"}\n\n',
    ];
    for (const [index, beat] of beats.entries()) {
      deployment.model.reply(
        answersOf({
          beat: () => [
            { raw: beat },
            delta('a'),
            { raw: beat },
            delta('b'),
            { finish: 'stop' },
            { raw: beat },
            done,
            end,
          ],
        }),
      );
      expect([beat, (await chat(replica, `beat-${index}`, 'beat')).body.reply]).toEqual([beat, 'ab']);
    }
    const waiting = Array.from({ length: 6 }, (): Step[] => [
      { raw: ': waiting\n\n' },
      { delayMs: 120 },
    ]).flat();
    const brief = await deployment.another({ MODEL_FIRST_TOKEN_TIMEOUT_MS: '200' });
    const forEver = async function* (): AsyncGenerator<Step> {
      for (;;) yield* [{ raw: ': waiting\n\n' }, { delayMs: 20 }];
    };
    deployment.model.reply(
      answersOf({ queue: () => [...waiting, delta('at last'), done, end], 'for ever': forEver }),
    );
    const [queued, endless] = await Promise.all([
      chat(brief, 'queue', 'queue'),
      chat(brief, 'ever', 'for ever'),
    ]);
    expect(queued.body.reply).toBe('at last');
    expect(endless).toMatchObject({ status: 504, body: { error: { code: 'model_timeout' } } });
    for (const request of callsFor(deployment.model, 'for ever')) await request.whenAborted;
  },
);

promise(
  'message.blank',
  'a message of only white space is refused, because strict models refuse it',
  async () => {
    const calls = deployment.model.requests.length;
    for (const message of [' ', '\n\t', '\u2028 ']) {
      expect((await chat(replica, 'blank', message)).status).toBe(400);
    }
    expect(deployment.model.requests.length).toBe(calls);
  },
);
