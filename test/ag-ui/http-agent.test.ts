import { EventType } from '@ag-ui/client';
import { beforeAll, beforeEach, expect } from 'vitest';
import { callSteps } from '../../testkit/model/call-steps.ts';
import { choice } from '../../testkit/model/model-wire.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';
import { ThreadAgent, WEATHER } from './thread-agent.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, {
    MODEL_MAX_RETRIES: '0',
    OPENAI_MODEL: 'scripted,second',
    SYSTEM_PROMPT: 'Be brief.',
  });
});
beforeEach(() => deployment.model.reply(echo));

const agentAt = (replica: number, threadId: string) =>
  new ThreadAgent(replicaOf(deployment, replica), threadId);
const asked = () => deployment.model.requests.at(-1)?.body ?? {};
const shownTo = () => (asked().messages ?? []) as readonly object[];
const system = { role: 'system', content: 'Be brief.' };

promise(
  'agui.run',
  'HttpAgent runs a turn: the events in order, as its own verifier wants them, with the names of thread and run, and usage',
  async () => {
    const agent = agentAt(0, 'run');
    const { newMessages } = await agent.say('hello', { runId: 'my-run' });
    const [answer] = newMessages;
    const messageId = answer?.id;
    expect(messageId).toMatch(/^m\d+-100001$/);
    const names = { threadId: 'run', runId: 'my-run' };
    expect(agent.heard).toEqual([
      { type: 'RUN_STARTED', ...names, protocolVersion: '1.0', metadata: { turn_id: expect.any(String) } },
      { type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' },
      { type: 'TEXT_MESSAGE_CONTENT', messageId, delta: 'echo:he' },
      { type: 'TEXT_MESSAGE_CONTENT', messageId, delta: 'llo' },
      { type: 'TEXT_MESSAGE_END', messageId },
      {
        type: 'RUN_FINISHED',
        ...names,
        outcome: { type: 'success' },
        usage: [{ inputTokens: 2, outputTokens: 2, totalTokens: 4 }],
        metadata: { finish_reason: 'stop' },
      },
    ]);
    expect(newMessages).toEqual([{ id: messageId, role: 'assistant', content: 'echo:hello' }]);
    const { headers } = agent.response ?? {};
    expect(headers?.get('content-type')).toContain('text/event-stream');
    expect(headers?.get('x-session-id')).toBe('run');
    expect(agent.heard[0]?.metadata).toEqual({ turn_id: headers?.get('x-turn-id') });
    expect(await historyOf(replicaOf(deployment, 1), 'run')).toEqual([
      'user: hello',
      'assistant: echo:hello',
    ]);
  },
);

promise(
  'agui.resent',
  'a client sends all its messages with every run, on any replica: each turn is history once, and the model is shown that',
  async () => {
    const agent = agentAt(0, 'resent');
    for (const [index, text] of ['one', 'two', 'three'].entries()) {
      agent.url = `${replicaOf(deployment, index % 2).url}/api/ag-ui`;
      await agent.say(text);
    }
    const said = ['one', 'two', 'three'].flatMap((text) => [`user: ${text}`, `assistant: echo:${text}`]);
    expect(agent.said).toEqual(said);
    expect(await historyOf(replicaOf(deployment, 0), 'resent')).toEqual(said);
    const shown = said.slice(0, -1).map((line) => {
      const [role, content] = line.split(': ');
      return { role, content };
    });
    expect(shownTo()).toEqual([system, ...shown]);
    // A client that knows nothing of the thread sends only its message.
    await agentAt(1, 'resent').say('four');
    expect(await historyOf(replicaOf(deployment, 0), 'resent')).toHaveLength(8);
    expect(shownTo()).toHaveLength(8);
  },
);

promise(
  'agui.tools',
  'tools of the caller end a run with their calls, and their outputs begin the next one, on another replica',
  async () => {
    const calls = ['Oslo', 'Rome'].map((city, at) => ({ id: `call_${at}`, name: 'weather', args: { city } }));
    deployment.model.reply(({ messages }) =>
      messages.at(-1)?.role === 'tool'
        ? [{ delta: `it is ${messages.at(-1)?.content}` }]
        : [{ delta: 'Let me see.' }, ...callSteps(calls)],
    );
    const agent = agentAt(0, 'tools');
    await agent.say('Weather?', { tools: [WEATHER] });
    const toolCalls = calls.map(({ id, name, args }) => ({
      ...{ id, type: 'function' },
      function: { name, arguments: JSON.stringify(args) },
    }));
    expect(agent.messages.at(-1)).toMatchObject({ role: 'assistant', content: 'Let me see.', toolCalls });
    expect(agent.heard.at(-1)).toMatchObject({
      outcome: { type: 'success', pendingToolCallIds: ['call_0', 'call_1'] },
      metadata: { finish_reason: 'tool_calls' },
    });
    const tools = [{ type: 'function', function: WEATHER }];
    expect(asked().tools).toEqual(tools);
    agent.answer('call_0', 'cold');
    agent.answer('call_1', 'warm');
    agent.url = `${replicaOf(deployment, 1).url}/api/ag-ui`;
    await agent.runAgent({ tools: [WEATHER] });
    expect(agent.said.at(-1)).toBe('assistant: it is warm');
    expect(shownTo()).toEqual([
      ...[system, { role: 'user', content: 'Weather?' }],
      { role: 'assistant', content: 'Let me see.', tool_calls: toolCalls },
      { role: 'tool', tool_call_id: 'call_0', content: 'cold' },
      { role: 'tool', tool_call_id: 'call_1', content: 'warm' },
    ]);
    expect(await historyOf(replicaOf(deployment, 0), 'tools')).toHaveLength(5);
  },
);

promise(
  'agui.parts',
  'images and documents are passed on unchanged, as a URL or as data, also in later runs of the thread',
  async () => {
    const agent = agentAt(0, 'parts');
    const content = [
      { type: 'text', text: 'What is this?' } as const,
      { type: 'image', source: { type: 'data', value: 'AAAA', mimeType: 'image/png' } } as const,
      { type: 'image', source: { type: 'url', value: 'https://example.com/cat.png' } } as const,
      {
        type: 'document',
        source: { type: 'data', value: 'BBBB', mimeType: 'application/pdf' },
        metadata: { filename: 'a.pdf' },
      } as const,
    ];
    agent.addMessage({ id: 'pictures', role: 'user', content });
    await agent.runAgent();
    const passedOn = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,BBBB' } },
    ];
    expect(shownTo()[1]).toEqual({ role: 'user', content: passedOn });
    agent.url = `${replicaOf(deployment, 1).url}/api/ag-ui`;
    await agent.say('sure?');
    expect(shownTo()[1]).toEqual({ role: 'user', content: passedOn });
  },
);

promise(
  'agui.reasoning',
  'reasoning is a message of its own, before the answer; when the client sends it back it is not shown to the model',
  async () => {
    const think = (text: string) => ({ chunk: choice({ delta: { reasoning_content: text } }) });
    deployment.model.reply(() => [think('Let me '), think('think.'), { delta: 'Yes.' }]);
    const agent = agentAt(0, 'reasoning');
    await agent.say('hello');
    expect(agent.said).toEqual(['user: hello', 'reasoning: Let me think.', 'assistant: Yes.']);
    expect(agent.types.slice(1, -1)).toEqual([
      ...['REASONING_START', 'REASONING_MESSAGE_START', 'REASONING_MESSAGE_CONTENT'],
      ...['REASONING_MESSAGE_CONTENT', 'REASONING_MESSAGE_END', 'REASONING_END'],
      ...['TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END'],
    ]);
    await agent.say('again');
    expect(JSON.stringify(asked().messages)).not.toContain('think');
  },
);

promise(
  'agui.shaping',
  'forwardedProps choose a model and shape the answer, system messages replace the prompt, context is added to it, state is not shown',
  async () => {
    const agent = agentAt(0, 'shaping');
    agent.state = { secret: 'kept' };
    const context = [{ description: 'The page', value: 'about cats' }];
    const forwardedProps = { model: 'second', temperature: 0.5, stop: null, anything: { else: true } };
    await agent.say('hello', { context, forwardedProps });
    expect(asked()).toMatchObject({ model: 'second', temperature: 0.5 });
    expect(asked()).not.toHaveProperty('anything');
    expect(asked()).not.toHaveProperty('stop');
    expect(shownTo()[0]).toEqual({ role: 'system', content: 'Be brief.\n\nThe page: about cats' });
    expect(JSON.stringify(asked())).not.toContain('secret');
    expect(agent.state).toEqual({ secret: 'kept' });
    const instructed = agentAt(1, 'instructed');
    instructed.addMessage({ id: 's', role: 'system', content: 'Be long.' });
    instructed.addMessage({ id: 'd', role: 'developer', content: 'Be kind.' });
    await instructed.say('hello', { context });
    expect(shownTo()[0]).toEqual({
      role: 'system',
      content: 'Be long.\n\nBe kind.\n\nThe page: about cats',
    });
    await instructed.say('again');
    expect(shownTo()[0]).toEqual({ role: 'system', content: 'Be long.\n\nBe kind.' });
  },
);

promise(
  'agui.queued',
  'a run that waits for another one shows its place in the queue only when a header asks for that',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const first = agentAt(0, 'queued').say('first');
    await gate.reached;
    const plain = agentAt(1, 'queued');
    const told = new ThreadAgent(replicaOf(deployment, 1), 'queued', {
      headers: { 'X-Turnwise-Events': 'queued' },
    });
    const waiting = new Promise<void>((resolve) => {
      told.subscribe({ onCustomEvent: () => resolve() });
    });
    const runs = [first, told.say('second')];
    await waiting;
    runs.push(plain.say('third'));
    gate.open();
    await Promise.all(runs);
    expect(told.heard[1]).toEqual({ type: 'CUSTOM', name: 'turnwise.queued', value: { position: 1 } });
    expect(plain.types).not.toContain(EventType.CUSTOM);
    expect(plain.said).toEqual(['user: third', 'assistant: echo:third']);
    expect(await historyOf(replicaOf(deployment, 0), 'queued')).toHaveLength(6);
  },
);
