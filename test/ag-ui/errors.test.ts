import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { callSteps } from '../../testkit/model/call-steps.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';
import { ThreadAgent, WEATHER } from './thread-agent.ts';

let deployment: Deployment;
let cancelling: Replica;
// The client prints every run that failed.
const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);

beforeAll(async () => {
  deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0', ON_BUSY: 'reject' });
  cancelling = await deployment.another({ ON_DISCONNECT: 'cancel', KEY_PREFIX: 'cancelling' });
});
beforeEach(() => deployment.model.reply(echo));
afterAll(() => printed.mockRestore());

const agentOf = (threadId: string) => new ThreadAgent(replicaOf(deployment, 0), threadId);
const post = (body: object) => call(replicaOf(deployment, 0).url, 'POST', '/api/ag-ui', body);
const user = (content: string, id = crypto.randomUUID()) => ({ id, role: 'user', content });

promise(
  'agui.errors.status',
  'what is refused is a status at which HttpAgent rejects, with the message and the code; an unknown model makes no session',
  async () => {
    const agent = agentOf('unknown-model');
    const failed = agent.say('hello', { forwardedProps: { model: 'other' } });
    await expect(failed).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('There is no such model.'),
      payload: {
        type: 'RUN_ERROR',
        code: 'model_not_found',
        message: 'There is no such model.',
        metadata: { retryable: false, request_id: expect.any(String) },
      },
    });
    expect((await call(replicaOf(deployment, 0).url, 'GET', '/api/sessions/unknown-model')).status).toBe(404);
    // Its message was not stored, so it may be sent again.
    await agent.runAgent();
    expect(await historyOf(replicaOf(deployment, 0), 'unknown-model')).toHaveLength(2);
    await expect(agentOf('not/an/id').say('hello')).rejects.toMatchObject({ status: 400 });
  },
);

promise(
  'agui.errors.refused',
  'what would change the answer and cannot be done is refused by its name, before the model is asked',
  async () => {
    const calls = deployment.model.requests.length;
    const body = { threadId: 'refused', runId: 'r', messages: [user('hello')] };
    const part = (value: object) => ({ ...body, messages: [{ id: 'a', role: 'user', content: [value] }] });
    const far = { type: 'url', value: 'https://example.com/a' };
    const tool = { id: 't', role: 'tool', toolCallId: 'c', content: [{ type: 'image', source: far }] };
    const wrong: readonly (readonly [object, string])[] = [
      [part({ type: 'audio', source: far }), 'a part of type audio'],
      [part({ type: 'video', source: far }), 'a part of type video'],
      [part({ type: 'image', source: { type: 'file', value: 'f' } }), 'a source of type file'],
      [part({ type: 'image', source: { type: 'url', value: 'http://10.0.0.1/' } }), 'https or a data URL'],
      [{ ...body, messages: [tool] }, 'an output of a tool that is not text'],
      [
        { ...body, messages: [user('a'), { id: 's', role: 'system', content: 'x' }, user('b')] },
        'role system',
      ],
      [{ ...body, messages: [user('a'), { id: 'x', role: 'assistant', content: 'b' }] }, 'the last message'],
      [{ ...body, messages: [] }, 'messages'],
      [{ ...body, resume: [{ interruptId: 'i', status: 'resolved' }] }, 'resume'],
      [{ ...body, forwardedProps: { temperature: 9 } }, 'temperature'],
      [{ ...body, extra: 1 }, 'extra'],
    ];
    for (const [request, named] of wrong) {
      const { status, body: reply } = await post(request);
      expect([named, status, reply.code, reply.message]).toEqual([
        named,
        400,
        'invalid_request',
        expect.stringContaining(named),
      ]);
    }
    const accepted = { ...body, parentRunId: null, tools: null, context: null, state: null, resume: null };
    expect((await post({ ...accepted, forwardedProps: 'text' })).status).toBe(200);
    expect(deployment.model.requests.length).toBe(calls + 1);
  },
);

promise(
  'agui.errors.edit',
  'a message that the thread has already, edited or sent again for another answer, is refused by name',
  async () => {
    const agent = agentOf('edit');
    await agent.say('one');
    await agent.say('two');
    for (const content of ['two', 'edited']) {
      const [first, answer, second] = agent.messages;
      const messages = [first, answer, { ...second, content }];
      const { status, body } = await post({ threadId: 'edit', runId: 'r', messages });
      expect([status, body.message]).toEqual([400, expect.stringContaining('was answered already')]);
    }
    expect(await historyOf(replicaOf(deployment, 0), 'edit')).toHaveLength(4);
  },
);

promise(
  'agui.errors.repeat',
  'with an Idempotency-Key the same run is the same turn, also once it is history',
  async () => {
    const headers = { 'idempotency-key': 'once' };
    const body = { threadId: 'repeat', runId: 'r', messages: [user('hello')] };
    const ask = () =>
      call<string>(replicaOf(deployment, 0).url, 'POST', '/api/ag-ui', body, headers).then(
        ({ body: text, headers: head }) => [text, head['x-turn-id']],
      );
    expect(await ask()).toEqual(await ask());
    expect(await historyOf(replicaOf(deployment, 0), 'repeat')).toHaveLength(2);
  },
);

promise(
  'agui.errors.tools',
  'an output for a call that is not open is refused as a status, and history stays as it was',
  async () => {
    deployment.model.reply(({ messages }) =>
      messages.at(-1)?.role === 'tool'
        ? [{ delta: 'thanks' }]
        : callSteps([{ id: 'call_1', name: 'weather', args: {} }]),
    );
    const agent = agentOf('unknown-output');
    await agent.say('Weather?', { tools: [WEATHER] });
    agent.answer('call_2', 'cold');
    await expect(agent.runAgent()).rejects.toMatchObject({
      status: 400,
      payload: { code: 'invalid_request', message: expect.stringContaining('call_2') },
    });
    agent.messages = agent.messages.slice(0, -1);
    agent.answer('call_1', 'cold');
    await agent.runAgent();
    expect(agent.said.at(-1)).toBe('assistant: thanks');
    expect(await historyOf(replicaOf(deployment, 0), 'unknown-output')).toHaveLength(4);
  },
);

promise(
  'agui.errors.stream',
  'an error within a run is RUN_ERROR with our code, and history stays as it was',
  async () => {
    deployment.model.reply(() => [{ delta: 'half' }, { destroySocket: true }]);
    const agent = agentOf('mid-stream');
    await agent.say('hello');
    expect(agent.types.slice(-3)).toEqual(['TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END', 'RUN_ERROR']);
    expect(agent.heard.at(-1)).toMatchObject({
      code: 'model_error',
      message: expect.any(String),
      metadata: { retryable: true, session_id: 'mid-stream', turn_id: expect.any(String) },
    });
    expect(await historyOf(replicaOf(deployment, 0), 'mid-stream')).toEqual([]);
    deployment.model.reply(echo);
    await agent.say('again');
    expect(await historyOf(replicaOf(deployment, 0), 'mid-stream')).toEqual([
      'user: again',
      'assistant: echo:again',
    ]);
  },
);

promise(
  'agui.errors.busy',
  'with ON_BUSY=reject a busy thread is 409, with the turn in the way',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const first = agentOf('busy').say('first');
    await gate.reached;
    await expect(agentOf('busy').say('second')).rejects.toMatchObject({
      status: 409,
      payload: { code: 'session_busy', metadata: { turn_id: expect.any(String), retryable: true } },
    });
    gate.open();
    await first;
    expect(await historyOf(replicaOf(deployment, 0), 'busy')).toEqual([
      'user: first',
      'assistant: echo:first',
    ]);
  },
);

promise(
  'agui.abort',
  'abortRun leaves the run going or cancels it, as ON_DISCONNECT says; a run cancelled elsewhere ends as cancelled',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }, { delta: ' and half' }]);
    for (const replica of [replicaOf(deployment, 0), cancelling]) {
      const agent = new ThreadAgent(replica, 'aborted');
      const run = agent.say('hello');
      await waitFor(() => agent.said.at(-1) === 'assistant: half', { what: 'half of the answer' });
      agent.abortRun();
      await run;
    }
    const stopped = await waitFor(
      async () => (await historyOf(cancelling, 'aborted')).length === 2 && historyOf(cancelling, 'aborted'),
      { what: 'the cancelled run to end' },
    );
    expect(stopped).toEqual(['user: hello', 'assistant: half [truncated]']);
    const agent = agentOf('stopped');
    const run = agent.say('hello');
    await waitFor(() => agent.said.at(-1) === 'assistant: half', { what: 'half of the answer' });
    const turnId = agent.response?.headers.get('x-turn-id');
    await call(replicaOf(deployment, 0).url, 'POST', `/api/sessions/stopped/turns/${turnId}/cancel`);
    await run;
    expect(agent.heard.at(-1)).toMatchObject({ type: 'RUN_FINISHED', outcome: { type: 'cancelled' } });
    gate.open();
    const went = await waitFor(
      async () => (await historyOf(replicaOf(deployment, 0), 'aborted')).length === 2,
      { what: 'the run that was left to end' },
    );
    expect(went).toBe(true);
    expect(await historyOf(replicaOf(deployment, 0), 'aborted')).toEqual([
      'user: hello',
      'assistant: half and half',
    ]);
  },
);
