import { beforeAll, beforeEach, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';
import { allOf, clientOf, model, typesOf } from './responses-support.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MODEL_MAX_RETRIES: '0', TURN_LOG_TTL_SECONDS: '600' });
});
beforeEach(() => deployment.model.reply(echo));

const one = () => clientOf(replicaOf(deployment, 0));
const two = () => clientOf(replicaOf(deployment, 1));

promise(
  'responses.continue',
  'the last response is continued in its conversation; an earlier one begins another with the history up to there',
  async () => {
    const first = await one().responses.create({ model, input: 'one', instructions: 'Only here.' });
    const second = await two()
      .responses.create({ model, input: 'two', previous_response_id: first.id })
      .withResponse();
    const trunk = second.response.headers.get('x-session-id') ?? '';
    expect(second.data.previous_response_id).toBe(first.id);
    expect(deployment.model.requests.at(-1)?.messages.map(({ content }) => content)).toEqual([
      'one',
      'echo:one',
      'two',
    ]);
    const fork = await one()
      .responses.create({ model, input: 'other', previous_response_id: first.id })
      .withResponse();
    const branch = fork.response.headers.get('x-session-id') ?? '';
    expect(branch).not.toBe(trunk);
    expect(await historyOf(replicaOf(deployment, 1), branch)).toEqual([
      ...['user: one', 'assistant: echo:one', 'user: other', 'assistant: echo:other'],
    ]);
    const again = await two()
      .responses.create({ model, input: 'more', previous_response_id: fork.data.id })
      .withResponse();
    expect(again.response.headers.get('x-session-id')).toBe(branch);
    const unknown = one().responses.create({ model, input: 'x', previous_response_id: 'resp_nothing' });
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'previous_response_not_found' });
  },
);

promise(
  'responses.unstored',
  'a response that is not stored reads the history and leaves no trace; nothing waits for it',
  async () => {
    const conversation = await one().conversations.create();
    await one().responses.create({ model, input: 'one', conversation: conversation.id });
    const gate = deployment.model.gate();
    deployment.model.reply((request) =>
      request.messages.at(-1)?.content === 'two' ? [{ wait: gate }, ...echo(request)] : echo(request),
    );
    const running = one().responses.create({ model, input: 'two', conversation: conversation.id });
    await gate.reached;
    const aside = await two().responses.create({
      model,
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
    const alone = await allOf(
      await two().responses.create({ model, input: 'alone', store: false, stream: true }),
    );
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
    const running = one().responses.create({ model, input: 'one', conversation });
    await gate.reached;
    const asked = deployment.model.requests.length;
    const retrying = clientOf(replicaOf(deployment, 1), { maxRetries: 2 });
    await expect(retrying.responses.create({ model, input: 'two', conversation })).rejects.toMatchObject({
      status: 400,
      code: 'conversation_locked',
      param: 'conversation',
    });
    expect(deployment.model.requests).toHaveLength(asked);
    const events: { type: string }[] = [];
    const waiting = await two().responses.create(
      { model, input: 'three', conversation, stream: true },
      { headers: { 'X-On-Busy': 'enqueue' } },
    );
    for await (const event of waiting) {
      events.push(event);
      if (event.type === 'response.queued') gate.open();
    }
    expect(typesOf(events).slice(0, 3)).toEqual(['created', 'queued', 'in_progress']);
    expect((await running).output_text).toBe('echo:one');
    const odd = two().responses.create({ model, input: 'x' }, { headers: { 'X-On-Busy': 'maybe' } });
    await expect(odd).rejects.toMatchObject({ status: 400 });
  },
);

promise(
  'responses.repeat',
  'the same Idempotency-Key is the same response; it needs a conversation',
  async () => {
    const conversation = (await one().conversations.create()).id;
    const headers = { 'Idempotency-Key': 'k1' };
    const first = await one().responses.create({ model, input: 'once', conversation }, { headers });
    const again = await two().responses.create({ model, input: 'once', conversation }, { headers });
    expect({ ...again, completed_at: 0 }).toEqual({ ...first, completed_at: 0 });
    const other = two().responses.create({ model, input: 'twice', conversation }, { headers });
    await expect(other).rejects.toMatchObject({ status: 422, code: 'idempotency_mismatch' });
    const nowhere = one().responses.create({ model, input: 'x' }, { headers });
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
      const { output_text: content } = await client.responses.create({ model, input: said }, { headers });
      said.push({ role: 'assistant', content });
    }
    const stored = ['one', 'two', 'three'].flatMap((text) => [`user: ${text}`, `assistant: echo:${text}`]);
    expect(await historyOf(replicaOf(deployment, 1), 'resent-1')).toEqual(stored);
    const edit = await one().responses.create(
      { model, input: [{ role: 'user', content: 'uno' }] },
      { headers },
    );
    expect(edit).toMatchObject({ output_text: 'echo:uno', store: false });
    expect(await historyOf(replicaOf(deployment, 1), 'resent-1')).toEqual(stored);
    const torn = await call(
      replicaOf(deployment, 0).url,
      'POST',
      '/v1/responses',
      { model, input: 'x', conversation: 'a' },
      headers,
    );
    expect(torn).toMatchObject({ status: 400, body: { error: { param: 'conversation' } } });
  },
);
