import OpenAI from 'openai';
import { beforeAll, beforeEach, expect } from 'vitest';
import { ERRORS, type ErrorCode, TurnwiseError } from '../../src/errors.ts';
import { chatErrorBody, chatErrorHeaders } from '../../src/http/chat-completions/chat-errors.ts';
import { call } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { codeIn, tableUnder } from '../support/markdown.ts';
import { openai } from '../support/openai-client.ts';
import { readSource } from '../support/source-files.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0', ON_BUSY: 'reject' });
  replica = replicaOf(deployment, 0);
});
beforeEach(() => deployment.model.reply(echo));

const hello = { model: 'scripted', messages: [{ role: 'user' as const, content: 'hello' }] };

promise(
  'chat.errors.classes',
  'errors are the classes of the openai package, with type, param and code; what cannot help is not asked again by itself',
  async () => {
    const one = openai(replica, {}, 2);
    const failing = async (body: object, headers = {}) => {
      const calls = deployment.model.requests.length;
      const request = one.chat.completions.create({ ...hello, ...body }, { headers });
      const error: unknown = await request.then(
        () => null,
        (reason: unknown) => reason,
      );
      return { error, asked: deployment.model.requests.length - calls };
    };
    const unknown = await failing({ model: 'other' }, { 'x-session-id': 'unknown-model' });
    expect(unknown.error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(unknown.error).toMatchObject({
      status: 404,
      code: 'model_not_found',
      type: 'invalid_request_error',
      requestID: expect.any(String),
    });
    expect((await call(replica.url, 'GET', '/api/sessions/unknown-model')).status).toBe(404);
    expect((await failing({ temperature: 9 })).error).toBeInstanceOf(OpenAI.BadRequestError);
    for (const stream of [true, false]) {
      deployment.model.reply(() => [{ status: 400 }]);
      const refused = await failing({ stream });
      expect(refused.error).toBeInstanceOf(OpenAI.InternalServerError);
      expect(refused).toMatchObject({ error: { status: 502, code: 'model_refused' }, asked: 1 });
      deployment.model.reply(() => [{ status: 500 }]);
      expect(await failing({ stream })).toMatchObject({ error: { code: 'model_error' }, asked: 3 });
    }
  },
);

promise(
  'chat.errors.no-route',
  'a path below /v1 without a route, or without that method, is an error of the openai package as well',
  async () => {
    const client = openai(replica);
    const failed = (asked: Promise<unknown>) =>
      asked.then(
        () => null,
        (error: unknown) => error,
      );
    const missing = await failed(client.embeddings.create({ model: 'scripted', input: 'x' }));
    expect(missing).toBeInstanceOf(OpenAI.NotFoundError);
    expect(missing).toMatchObject({ status: 404, code: 'not_found', type: 'invalid_request_error' });
    const wrong = await failed(client.get('/chat/completions'));
    expect(wrong).toMatchObject({ status: 405, code: 'method_not_allowed', type: 'invalid_request_error' });
    // Elsewhere errors have our own shape.
    expect(await call(replica.url, 'GET', '/nowhere')).toMatchObject({
      body: { error: { request_id: expect.any(String) } },
    });
  },
);

promise(
  'chat.errors.mid-stream',
  'an error within a stream is a frame at which the openai package throws, and history stays as it was',
  async () => {
    for (const headers of [{}, { 'x-session-id': 'mid-stream' }]) {
      deployment.model.reply(() => [{ delta: 'half' }, { destroySocket: true }]);
      const stream = await openai(replica).chat.completions.create({ ...hello, stream: true }, { headers });
      let text = '';
      const reading = (async () => {
        for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
      })();
      await expect(reading).rejects.toBeInstanceOf(OpenAI.APIError);
      await expect(reading).rejects.toMatchObject({ code: 'model_error', type: 'server_error' });
      expect(text).toBe('half');
    }
    expect(await historyOf(replica, 'mid-stream')).toEqual([]);
  },
);

promise(
  'chat.errors.limited',
  'answers that are not stored count as turns of their caller: beyond RATE_LIMIT_PER_MINUTE there is a RateLimitError',
  async () => {
    const limited = await deployment.another({ RATE_LIMIT_PER_MINUTE: '1', KEY_PREFIX: 'limited' });
    await openai(limited).chat.completions.create(hello);
    const refused = openai(limited).chat.completions.create(hello);
    await expect(refused).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    await expect(refused).rejects.toMatchObject({ code: 'rate_limited', type: 'rate_limit_error' });
  },
);

promise(
  'chat.errors.table',
  'docs/errors.md says of every code its status and type here, and whether clients ask again',
  () => {
    const said = tableUnder(readSource('docs/errors.md'), 'Chat Completions').map(
      ([code = '', status, type = '', again = '']) => [codeIn(code), status, codeIn(type), again],
    );
    const tells = (code: ErrorCode, details = {}) =>
      chatErrorHeaders(new TurnwiseError(code, { details }))['x-should-retry'] === 'false';
    const real = (Object.keys(ERRORS) as ErrorCode[]).map((code) => {
      const { error } = chatErrorBody(new TurnwiseError(code));
      const { status } = ERRORS[code];
      const asksAgain = [408, 409, 429].includes(status) || status >= 500;
      const again = tells(code)
        ? 'told not to'
        : tells(code, { turn_id: 't' })
          ? 'told not to, when there is a `turn_id`'
          : 'yes';
      return [code, String(status), error.type, asksAgain ? again : 'no'];
    });
    expect(said).toEqual(real);
  },
);

promise(
  'chat.errors.busy',
  'with ON_BUSY=reject a busy session is a ConflictError that names the turn, and the package asks again by itself',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'one' }, { wait: gate }]);
    const headers = { 'x-session-id': 'busy' };
    const first = await openai(replica).chat.completions.create({ ...hello, stream: true }, { headers });
    const second = { model: 'scripted', messages: [{ role: 'user' as const, content: 'second' }] };
    const busy = openai(replica).chat.completions.create(second, { headers });
    await expect(busy).rejects.toBeInstanceOf(OpenAI.ConflictError);
    await expect(busy).rejects.toMatchObject({
      code: 'session_busy',
      type: 'conflict_error',
      error: { turn_id: expect.any(String) },
    });
    // Its pause is long enough for the first one to end.
    const patient = openai(replica, {}, 2).chat.completions.create(second, { headers });
    deployment.model.reply(echo);
    gate.open();
    for await (const _ of first);
    expect((await patient).choices[0]?.message.content).toBe('echo:second');
  },
);

promise(
  'chat.errors.stopped',
  'a turn that is cancelled on another door ends as a whole answer of what was said until then',
  async () => {
    deployment.model.reply(() => [{ delta: 'half' }, { hang: true }]);
    const headers = { 'x-session-id': 'stopped' };
    const asked = openai(replica).chat.completions.create({ ...hello, stream: true }, { headers });
    const { data: stream, response } = await asked.withResponse();
    const turnId = response.headers.get('x-turn-id');
    const heard: unknown[] = [];
    for await (const { choices } of stream) {
      heard.push(choices[0]?.delta.content ?? choices[0]?.finish_reason);
      if (choices[0]?.delta.content === 'half') {
        await call(replica.url, 'POST', `/api/sessions/stopped/turns/${turnId}/cancel`);
      }
    }
    expect(heard).toEqual(['', 'half', 'stop']);
    expect(await historyOf(replica, 'stopped')).toEqual(['user: hello', 'assistant: half [truncated]']);
  },
);

promise(
  'chat.errors.leaves',
  'closing the connection cancels the answer, stored or not; of a stored one what was said is kept',
  async () => {
    for (const [stream, headers] of [
      [true, {}],
      [false, {}],
      [true, { 'x-session-id': 'leaves' }],
      [false, { 'x-session-id': 'leaves-whole' }],
    ] as const) {
      deployment.model.reply(() => [{ delta: 'begun' }, { hang: true }]);
      const calls = deployment.model.requests.length;
      const leaving = new AbortController();
      const options = { headers, signal: leaving.signal };
      if (stream) {
        const chunks = await openai(replica).chat.completions.create({ ...hello, stream }, options);
        for await (const { choices } of chunks) if (choices[0]?.delta.content === 'begun') break;
      } else {
        const asked = openai(replica).chat.completions.create(hello, options);
        await waitFor(() => deployment.model.requests.length > calls, { what: 'the model to be asked' });
        leaving.abort();
        await expect(asked).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
      }
      await deployment.model.requests[calls]?.whenAborted;
    }
    await waitFor(async () => (await historyOf(replica, 'leaves')).length === 2, { what: 'the end' });
    expect(await historyOf(replica, 'leaves')).toEqual(['user: hello', 'assistant: begun [truncated]']);
  },
);
