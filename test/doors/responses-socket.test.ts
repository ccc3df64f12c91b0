import { ResponsesWS } from 'openai/resources/responses/ws';
import { WebSocket } from 'undici';
import { beforeAll, beforeEach, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';
import { callTools, clientOf, model, typesOf, weatherTool } from './responses-support.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MODEL_MAX_RETRIES: '0', CORS_ORIGINS: 'https://page.example' });
});
beforeEach(() => deployment.model.reply(echo));

interface Frame {
  readonly type: string;
  readonly status?: number;
  readonly sequence_number?: number;
  readonly error?: { readonly code: string; readonly param?: string | null };
  readonly response?: {
    readonly id: string;
    readonly status: string;
    readonly output: readonly { content?: { text: string }[] }[];
  };
}

/** A connection that asks and waits for what ends the response. */
async function connect(index = 0, headers: Record<string, string> = {}) {
  const url = `${replicaOf(deployment, index).url.replace('http', 'ws')}/v1/responses`;
  const socket = new WebSocket(url, { headers });
  const frames: Frame[] = [];
  socket.addEventListener('message', ({ data }) => frames.push(JSON.parse(String(data)) as Frame));
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('the connection was refused')), { once: true });
  });
  const isEnd = ({ type }: Frame) => /^(?:error|response\.(?:completed|incomplete|failed))$/.test(type);
  const ends = () => frames.filter(isEnd);
  const send = (body: object) => socket.send(JSON.stringify({ type: 'response.create', model, ...body }));
  const ask = async (body: object): Promise<Frame> => {
    const before = ends().length;
    send(body);
    await waitFor(() => ends().length > before, { what: 'the response to end' });
    return ends()[before] as Frame;
  };
  return { socket, frames, ends, send, ask };
}

promise(
  'socket.responses',
  'a WebSocket answers one request after the other with the frames of a stream, each response numbered from 0',
  async () => {
    const { frames, ends, send, socket } = await connect();
    const gate = deployment.model.gate();
    deployment.model.reply((request) =>
      request.messages.at(-1)?.content === 'one' ? [{ wait: gate }, ...echo(request)] : echo(request),
    );
    send({ input: 'one' });
    send({ input: 'two' });
    await gate.reached;
    // The server hears of both before this connection can be opened.
    (await connect()).socket.close();
    gate.open();
    await waitFor(() => ends().length === 2, { what: 'both responses' });
    expect(ends().map(({ response }) => response?.output[0]?.content?.[0]?.text)).toEqual([
      'echo:one',
      'echo:two',
    ]);
    const second = frames.findLastIndex(({ type }) => type === 'response.created');
    for (const part of [frames.slice(0, second), frames.slice(second)]) {
      expect(part.map(({ sequence_number: number }) => number)).toEqual(part.map((_, index) => index));
      expect(typesOf(part).at(-1)).toBe('completed');
    }
    socket.close();
  },
);

promise(
  'socket.chain',
  'a chain that is not stored lives in its connection alone, calls and outputs included, and ends with a failed try',
  async () => {
    const { ask, socket } = await connect();
    deployment.model.reply(() => callTools({ id: 'call_1', name: 'get_weather', arguments: '{}' }));
    const first = await ask({ input: 'weather?', store: false, tools: [weatherTool] });
    deployment.model.reply(echo);
    const output = { type: 'function_call_output', call_id: 'call_1', output: 'rain' };
    const second = await ask({ input: [output], previous_response_id: first.response?.id, store: false });
    expect(second.response?.status).toBe('completed');
    expect(deployment.model.requests.at(-1)?.messages.map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
    ]);
    const id = second.response?.id ?? '';
    const elsewhere = await connect(1);
    const missing = { type: 'error', status: 404, error: { code: 'previous_response_not_found' } };
    expect(await elsewhere.ask({ input: 'x', previous_response_id: id, store: false })).toMatchObject(
      missing,
    );
    const torn = await ask({ input: [output], previous_response_id: id, store: false });
    expect(torn).toMatchObject({ type: 'error', status: 400 });
    expect(await ask({ input: 'x', previous_response_id: id, store: false })).toMatchObject(missing);
    for (const one of [socket, elsewhere.socket]) one.close();
  },
);

promise(
  'socket.stored',
  'a stored response of a WebSocket can be continued over HTTP and on another replica, and the other way round',
  async () => {
    const { ask, socket } = await connect();
    const first = await ask({ input: 'one' });
    const client = clientOf(replicaOf(deployment, 1));
    const { data, response } = await client.responses
      .create({ model, input: 'two', previous_response_id: first.response?.id ?? '' })
      .withResponse();
    const third = await ask({ input: 'three', previous_response_id: data.id });
    expect(third.type).toBe('response.completed');
    expect(
      await historyOf(replicaOf(deployment, 1), response.headers.get('x-session-id') ?? ''),
    ).toHaveLength(6);
    socket.close();
  },
);

promise(
  'socket.errors',
  'what cannot be asked on a WebSocket is an error with its status, and the connection goes on',
  async () => {
    const { ask, socket, frames } = await connect();
    socket.send('not json');
    await waitFor(() => frames.length === 1, { what: 'the refusal' });
    expect(frames[0]).toMatchObject({ type: 'error', status: 400 });
    for (const [body, param] of [
      [{ type: 'other' }, 'type'],
      [{ input: 'x', stream: true }, 'stream'],
      [{ input: 'x', background: true }, 'background'],
      [{ input: 'x', temperature: 9 }, 'temperature'],
    ] as const) {
      expect(await ask(body)).toMatchObject({ type: 'error', status: 400, error: { param } });
    }
    deployment.model.reply(() => [{ delta: 'half' }, { destroySocket: true }]);
    expect(await ask({ input: 'x' })).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed' },
    });
    deployment.model.reply(echo);
    expect((await ask({ input: 'x' })).type).toBe('response.completed');
    expect(frames.map(({ type }) => type)).not.toContain('[DONE]');
    socket.close();
  },
);

promise(
  'socket.origin',
  'a page of another origin cannot connect, and a request that is no upgrade is told what the route takes',
  async () => {
    const allowed = await connect(0, { origin: 'https://page.example' });
    allowed.socket.close();
    await expect(connect(0, { origin: 'https://evil.example' })).rejects.toThrow('refused');
    const { url } = replicaOf(deployment, 0);
    expect(await call(url, 'GET', '/v1/responses')).toMatchObject({ status: 405 });
    const offer = await call(url, 'GET', '/livez', undefined, { connection: 'Upgrade', upgrade: 'h2c' });
    expect(offer.status).toBe(200);
  },
);

promise('socket.disconnect', 'closing a WebSocket cancels the response in flight', async () => {
  const gate = deployment.model.gate();
  deployment.model.reply(() => [{ delta: 'one' }, { wait: gate }]);
  const { send, socket, frames } = await connect();
  send({ input: 'x' });
  await waitFor(() => frames.some(({ type }) => type.endsWith('.delta')), { what: 'the first piece' });
  socket.close();
  await deployment.model.requests.at(-1)?.whenAborted;
  gate.open();
});

promise(
  'socket.sdk',
  'the WebSocket client of the openai package gets the frames of a response',
  async () => {
    const client = new ResponsesWS(clientOf(replicaOf(deployment, 1)));
    const types: string[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      client.on('event', (event) => {
        types.push(event.type);
        if (event.type === 'response.completed') resolve();
      });
      client.on('error', reject);
    });
    client.send({ type: 'response.create', input: 'hello', model: 'scripted' });
    await ended;
    client.close();
    expect(types[0]).toBe('response.created');
  },
);
