import { beforeAll, beforeEach, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';
import { allOf, callTools, clientOf, think, typesOf, weatherTool } from './responses-support.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MODEL_MAX_RETRIES: '0', TURN_LOG_TTL_SECONDS: '600' });
});
beforeEach(() => deployment.model.reply(echo));

const one = () => clientOf(replicaOf(deployment, 0));
const two = () => clientOf(replicaOf(deployment, 1));

async function ended(id: string) {
  await waitFor(
    async () => !['queued', 'in_progress'].includes((await two().responses.retrieve(id)).status ?? ''),
    {
      what: 'the response to end',
    },
  );
  return two().responses.retrieve(id);
}

promise(
  'responses.background',
  'a background response is answered at once, runs without its client, and can be retrieved from any replica',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const begun = await one().responses.create({ input: 'later', background: true, metadata: { a: 'b' } });
    expect(begun).toMatchObject({ status: 'queued', background: true, output: [], usage: null });
    await gate.reached;
    const running = await two().responses.retrieve(begun.id);
    expect(running).toMatchObject({
      status: 'in_progress',
      created_at: begun.created_at,
      metadata: { a: 'b' },
    });
    gate.open();
    const response = await ended(begun.id);
    expect(response).toMatchObject({
      id: begun.id,
      status: 'completed',
      output_text: 'echo:later',
      background: true,
    });
    expect(response.completed_at).toBeGreaterThanOrEqual(response.created_at);
  },
);

promise(
  'responses.background.resume',
  'the stream of a background response goes on after any frame on another replica, byte for byte, while it runs and after',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [...think('hm'), { delta: 'one ' }, { wait: gate }, { delta: 'two' }]);
    const stream = await one().responses.create({ input: 'x', background: true, stream: true });
    const read: { sequence_number: number }[] = [];
    let id = '';
    for await (const event of stream) {
      read.push(event);
      if (event.type === 'response.created') id = event.response.id;
      if (event.type === 'response.output_text.delta') break;
    }
    const last = read.at(-1)?.sequence_number ?? 0;
    const rest = await two().responses.retrieve(id, { stream: true, starting_after: last });
    gate.open();
    read.push(...(await allOf(rest)));
    expect(read.map(({ sequence_number: number }) => number)).toEqual(read.map((_, index) => index));
    const whole = await allOf(await one().responses.retrieve(id, { stream: true }));
    // The times of the end are those of two clocks.
    const shown = (events: readonly object[]) => JSON.stringify(events).replaceAll(/"completed_at":\d+/g, '');
    expect(shown(read)).toBe(shown(whole));
    for (const after of [0, last, whole.length - 1]) {
      const tail = await two().responses.retrieve(id, { stream: true, starting_after: after });
      expect(await allOf(tail)).toEqual(whole.slice(after + 1));
    }
    const helped = await two().responses.stream({ response_id: id, starting_after: last }).finalResponse();
    expect(helped.output_text).toBe('one two');
  },
);

promise(
  'responses.foreground.no-resume',
  'a response that is not in the background has no stream to go on with, and is not to be cancelled',
  async () => {
    const { id } = await one().responses.create({ input: 'x' });
    await expect(two().responses.retrieve(id, { stream: true })).rejects.toMatchObject({ status: 404 });
    await expect(two().responses.cancel(id)).rejects.toMatchObject({ status: 400 });
    expect((await two().responses.retrieve(id)).output_text).toBe('echo:x');
  },
);

promise(
  'responses.cancel',
  'cancelling a background response from another replica stops its model, keeps what was said, and may be repeated',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }, { delta: 'more' }]);
    const stream = await one().responses.create({ input: 'x', background: true, stream: true });
    const events = [];
    let id = '';
    for await (const event of stream) {
      events.push(event);
      if (event.type === 'response.created') id = event.response.id;
      if (event.type !== 'response.output_text.delta') continue;
      expect(await two().responses.cancel(id)).toMatchObject({
        status: 'cancelled',
        output: [{ status: 'incomplete', content: [{ text: 'half' }] }],
      });
    }
    await deployment.model.requests.at(-1)?.whenAborted;
    gate.open();
    expect(typesOf(events).slice(-4)).toEqual([
      ...['output_text.done', 'content_part.done', 'output_item.done', 'incomplete'],
    ]);
    expect(events.at(-1)).toMatchObject({ response: { status: 'cancelled', incomplete_details: null } });
    expect(await one().responses.cancel(id)).toMatchObject({ status: 'cancelled' });
  },
);

promise(
  'responses.kept',
  'a response can be retrieved when its log is gone, with the same ids; deleted, it is gone, and the history is not',
  async () => {
    deployment.model.reply(() => callTools({ id: 'call_k', name: 'get_weather', arguments: '{}' }));
    const asked = { input: 'weather?', tools: [weatherTool], metadata: { k: 'v' } };
    const { data: response, response: reply } = await one().responses.create(asked).withResponse();
    const sessionId = reply.headers.get('x-session-id') ?? '';
    const turnId = reply.headers.get('x-turn-id') ?? '';
    const keys = ['turn', 'log'].map((kind) => `turnwise:{-/${sessionId}}:${kind}:${turnId}`);
    for (const key of keys) await deployment.redis.ask('DEL', key);
    const kept = await two().responses.retrieve(response.id);
    expect({ ...kept, completed_at: 0 }).toEqual({ ...response, completed_at: 0 });
    const inputs = await two().responses.inputItems.list(response.id);
    expect(inputs.data).toMatchObject([{ type: 'message', role: 'user', content: [{ type: 'input_text' }] }]);
    expect(await two().responses.delete(response.id)).toMatchObject({ id: response.id, deleted: true });
    await expect(one().responses.retrieve(response.id)).rejects.toMatchObject({ status: 404 });
    expect(await historyOf(replicaOf(deployment, 1), sessionId)).toEqual(['user: weather?', 'assistant: ']);
  },
);

promise('responses.delete', 'a response that was just given can be deleted as well', async () => {
  const { id } = await one().responses.create({ input: 'x' });
  await two().responses.delete(id);
  await expect(one().responses.retrieve(id)).rejects.toMatchObject({
    status: 404,
    code: 'response_not_found',
  });
});

promise(
  'responses.continue',
  'the last response is continued in its conversation; an earlier one begins another with the history up to there',
  async () => {
    const first = await one().responses.create({ input: 'one', instructions: 'Only here.' });
    const second = await two()
      .responses.create({ input: 'two', previous_response_id: first.id })
      .withResponse();
    const trunk = second.response.headers.get('x-session-id') ?? '';
    expect(second.data.previous_response_id).toBe(first.id);
    expect(deployment.model.requests.at(-1)?.messages.map(({ content }) => content)).toEqual([
      'one',
      'echo:one',
      'two',
    ]);
    const fork = await one()
      .responses.create({ input: 'other', previous_response_id: first.id })
      .withResponse();
    const branch = fork.response.headers.get('x-session-id') ?? '';
    expect(branch).not.toBe(trunk);
    expect(await historyOf(replicaOf(deployment, 1), branch)).toEqual([
      ...['user: one', 'assistant: echo:one', 'user: other', 'assistant: echo:other'],
    ]);
    const again = await two()
      .responses.create({ input: 'more', previous_response_id: fork.data.id })
      .withResponse();
    expect(again.response.headers.get('x-session-id')).toBe(branch);
    const unknown = one().responses.create({ input: 'x', previous_response_id: 'resp_nothing' });
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'previous_response_not_found' });
  },
);

promise(
  'responses.unstored',
  'a response that is not stored reads the history and leaves no trace; nothing waits for it',
  async () => {
    const conversation = await one().conversations.create();
    await one().responses.create({ input: 'one', conversation: conversation.id });
    const gate = deployment.model.gate();
    deployment.model.reply((request) =>
      request.messages.at(-1)?.content === 'two' ? [{ wait: gate }, ...echo(request)] : echo(request),
    );
    const running = one().responses.create({ input: 'two', conversation: conversation.id });
    await gate.reached;
    const aside = await two().responses.create({
      input: 'aside',
      conversation: conversation.id,
      store: false,
    });
    expect(aside).toMatchObject({ output_text: 'echo:aside', store: false });
    expect(deployment.model.requests.at(-1)?.messages.map(({ content }) => content)).toEqual([
      'one',
      'echo:one',
      'aside',
    ]);
    gate.open();
    await running;
    await expect(two().responses.retrieve(aside.id)).rejects.toMatchObject({ status: 404 });
    expect(await historyOf(replicaOf(deployment, 1), conversation.id)).toHaveLength(4);
    const alone = await allOf(await two().responses.create({ input: 'alone', store: false, stream: true }));
    expect(alone.at(-1)?.type).toBe('response.completed');
  },
);

promise(
  'responses.busy',
  'a busy conversation is locked, as a 400 that no client library repeats; a header asks to wait',
  async () => {
    const conversation = (await one().conversations.create()).id;
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const running = one().responses.create({ input: 'one', conversation });
    await gate.reached;
    const asked = deployment.model.requests.length;
    const retrying = clientOf(replicaOf(deployment, 1), { maxRetries: 2 });
    await expect(retrying.responses.create({ input: 'two', conversation })).rejects.toMatchObject({
      status: 400,
      code: 'conversation_locked',
      param: 'conversation',
    });
    expect(deployment.model.requests).toHaveLength(asked);
    const events: { type: string }[] = [];
    const waiting = await two().responses.create(
      { input: 'three', conversation, stream: true },
      { headers: { 'X-On-Busy': 'enqueue' } },
    );
    for await (const event of waiting) {
      events.push(event);
      if (event.type === 'response.queued') gate.open();
    }
    expect(typesOf(events).slice(0, 3)).toEqual(['created', 'queued', 'in_progress']);
    expect((await running).output_text).toBe('echo:one');
    const odd = two().responses.create({ input: 'x' }, { headers: { 'X-On-Busy': 'maybe' } });
    await expect(odd).rejects.toMatchObject({ status: 400 });
  },
);

promise(
  'responses.repeat',
  'the same Idempotency-Key is the same response; it needs a conversation',
  async () => {
    const conversation = (await one().conversations.create()).id;
    const headers = { 'Idempotency-Key': 'k1' };
    const first = await one().responses.create({ input: 'once', conversation }, { headers });
    const again = await two().responses.create({ input: 'once', conversation }, { headers });
    expect({ ...again, completed_at: 0 }).toEqual({ ...first, completed_at: 0 });
    const other = two().responses.create({ input: 'twice', conversation }, { headers });
    await expect(other).rejects.toMatchObject({ status: 422, code: 'idempotency_mismatch' });
    const nowhere = one().responses.create({ input: 'x' }, { headers });
    await expect(nowhere).rejects.toMatchObject({ status: 400, param: 'conversation' });
  },
);

promise(
  'responses.resent',
  'a front end that resends everything under a session header has each turn stored once; an edit is answered and not stored',
  async () => {
    const said: { role: 'user' | 'assistant'; content: string }[] = [];
    const headers = { 'X-Session-ID': 'resent-1' };
    for (const text of ['one', 'two', 'three']) {
      said.push({ role: 'user', content: text });
      const client = said.length % 4 === 1 ? one() : two();
      const { output_text: content } = await client.responses.create({ input: said }, { headers });
      said.push({ role: 'assistant', content });
    }
    const stored = ['one', 'two', 'three'].flatMap((text) => [`user: ${text}`, `assistant: echo:${text}`]);
    expect(await historyOf(replicaOf(deployment, 1), 'resent-1')).toEqual(stored);
    const edit = await one().responses.create({ input: [{ role: 'user', content: 'uno' }] }, { headers });
    expect(edit).toMatchObject({ output_text: 'echo:uno', store: false });
    expect(await historyOf(replicaOf(deployment, 1), 'resent-1')).toEqual(stored);
    const torn = await call(
      replicaOf(deployment, 0).url,
      'POST',
      '/v1/responses',
      { input: 'x', conversation: 'a' },
      headers,
    );
    expect(torn).toMatchObject({ status: 400, body: { error: { param: 'conversation' } } });
  },
);
