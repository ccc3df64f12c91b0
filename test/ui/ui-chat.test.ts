import { lastAssistantMessageIsCompleteWithToolCalls } from 'ai';
import { beforeAll, beforeEach, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { callSteps } from '../../testkit/model/call-steps.ts';
import { choice } from '../../testkit/model/model-wire.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  historyOf,
  replicaOf,
  say,
  startDeployment,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { uiChat, WEATHER_TOOL } from '../support/ui-chat.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let [one, other]: [Replica, Replica] = [] as never;

beforeAll(async () => {
  deployment = await startDeployment(2, { OPENAI_MODEL: 'first,second' });
  [one, other] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
});
beforeEach(() => deployment.model.reply(echo));

const asked = () => deployment.model.requests.length;
const post = (body: object, at = one) =>
  call<{ error?: { code: string; message: string } }>(at.url, 'POST', '/api/ui/chat', body);
const user = (text: string, more: object = {}) => ({
  role: 'user',
  parts: [{ type: 'text', text }],
  ...more,
});

promise(
  'ui.chat',
  'useChat’s client gets the answer of each turn as one message, whatever else it sends of the conversation',
  async () => {
    const { chat, errors, text } = uiChat(one, 'ui-plain');
    await chat.sendMessage({ text: 'hello' });
    expect([text(), chat.status, errors]).toEqual(['echo:hello', 'ready', []]);
    await chat.sendMessage({ text: 'again' });
    expect(chat.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
    expect(deployment.model.requests.at(-1)?.messages.map(({ content }) => content)).toEqual([
      'hello',
      'echo:hello',
      'again',
    ]);
    const metadata = { session_id: 'ui-plain', turn_id: expect.any(String), usage: expect.anything() };
    expect(chat.lastMessage).toMatchObject({ id: expect.stringMatching(/^msg_t/), metadata });
    expect(await historyOf(other, 'ui-plain')).toHaveLength(4);
  },
);

promise(
  'ui.reasoning-and-files',
  'reasoning is a part of its own, and images and files reach the model unchanged',
  async () => {
    deployment.model.reply(() => [
      { chunk: choice({ delta: { reasoning_content: 'hm' } }) },
      { delta: 'A cat.' },
    ]);
    const { chat } = uiChat(one, 'ui-parts');
    const image = 'data:image/png;base64,iVBORw0KGgo=';
    await chat.sendMessage({
      text: 'What is this?',
      files: [{ type: 'file', mediaType: 'image/png', url: image }],
    });
    expect(chat.lastMessage?.parts).toMatchObject([
      { type: 'step-start' },
      { type: 'reasoning', text: 'hm', state: 'done' },
      { type: 'text', text: 'A cat.', state: 'done' },
    ]);
    expect(JSON.stringify(deployment.model.requests.at(-1)?.messages)).toContain(image);
  },
);

promise(
  'ui.resume',
  'a page that reloads in mid-answer reads the running turn from its first chunk on any replica, and 204 when there is none',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'one ' }, { wait: gate }, { delta: 'two' }]);
    const first = uiChat(one, 'ui-resume');
    const sent = first.chat.sendMessage({ text: 'hello' });
    await waitFor(() => first.text() === 'one ', { what: 'the first piece' });
    const reloaded = uiChat(other, 'ui-resume', { messages: first.chat.messages.slice(0, 1) });
    const resumed = reloaded.chat.resumeStream();
    await waitFor(() => reloaded.text() === 'one ', { what: 'the same elsewhere' });
    gate.open();
    await Promise.all([sent, resumed]);
    expect([first.text(), reloaded.text()]).toEqual(['one two', 'one two']);
    expect(reloaded.chat.lastMessage?.id).toBe(first.chat.lastMessage?.id);
    expect(reloaded.chat.messages).toHaveLength(2);
    for (const id of ['ui-resume', 'ui-nowhere']) {
      expect((await call(other.url, 'GET', `/api/ui/chat/${id}/stream`)).status).toBe(204);
    }
  },
);

promise(
  'ui.resume.continued',
  'a page that reloads while an answer goes on after the output of a tool still shows the call, and does not run it again',
  async () => {
    const gate = deployment.model.gate();
    const steps = [
      [{ delta: 'One. ' }, ...callSteps([{ id: 'c1', name: 'weather', args: { city: 'Rome' } }])],
      [{ delta: 'Two. ' }, ...callSteps([{ id: 'c2', name: 'weather', args: {} }])],
      [{ delta: 'It is ' }, { wait: gate }, { delta: 'sunny.' }],
    ];
    deployment.model.reply(() => steps.shift() ?? []);
    const first = uiChat(one, 'ui-continued', {
      tools: [WEATHER_TOOL],
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    } as object);
    const answer = (toolCallId: string, more: object) =>
      first.chat.addToolOutput({ tool: 'weather', toolCallId, ...more } as never);
    await first.chat.sendMessage({ text: 'Weather?' });
    await answer('c1', { output: { sky: 'blue' } });
    await waitFor(() => first.text() === 'One. Two. ' && first.chat.status === 'ready', {
      what: 'a second call',
    });
    await answer('c2', { state: 'output-error', errorText: 'no such city' });
    await waitFor(() => first.text() === 'One. Two. It is ', { what: 'the last answer' });
    const kept = structuredClone(first.chat.messages);
    // What a page keeps of a message that waits for its tools.
    kept[1]?.parts.splice(6);
    const run: string[] = [];
    const reloaded = uiChat(other, 'ui-continued', {
      messages: kept,
      onToolCall: ({ toolCall }) => void run.push(toolCall.toolCallId),
    });
    const resumed = reloaded.chat.resumeStream();
    await waitFor(() => reloaded.text().endsWith('It is '), { what: 'the same elsewhere' });
    gate.open();
    await resumed;
    await waitFor(() => first.chat.status === 'ready', { what: 'the end' });
    expect([reloaded.errors, run]).toEqual([[], []]);
    // As JSON: what is undefined in one may be absent in the other. A failed call that is replayed keeps its raw input.
    const shown = (chat: object) =>
      JSON.stringify(chat, (key, value) => (key === 'rawInput' ? undefined : value));
    expect(shown(reloaded.chat.messages)).toBe(shown(first.chat.messages));
    expect(reloaded.chat.lastMessage?.parts.map(({ type }) => type)).toEqual([
      ...['step-start', 'text', 'tool-weather', 'step-start', 'text', 'tool-weather', 'step-start', 'text'],
    ]);
  },
);

promise(
  'ui.openapi',
  'every code that a reader of a UI stream can meet before the first chunk is in the API document',
  async () => {
    const { body } = await call<{ paths: Record<string, Record<string, { responses: object }>> }>(
      ...([one.url, 'GET', '/openapi.json'] as const),
    );
    const replies = [
      body.paths['/api/ui/chat']?.post?.responses,
      body.paths['/api/ui/chat/{id}/stream']?.get?.responses,
    ];
    const ends = ['queue_timeout', 'attempts_exhausted', 'model_error', 'model_refused', 'model_timeout'];
    for (const codes of replies.map((described) => JSON.stringify(described))) {
      for (const code of [...ends, 'draining', 'commit_unknown', 'session_deleted']) {
        expect(codes).toContain(`"${code}"`);
      }
    }
  },
);

promise('ui.stop', 'the stop route ends the turn that it names, and no other', async () => {
  const gate = deployment.model.gate();
  deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }]);
  const { chat, text } = uiChat(one, 'ui-stop');
  const sent = chat.sendMessage({ text: 'hello' });
  await waitFor(() => text() === 'half', { what: 'the first piece' });
  const stop = (body: object) =>
    call<{ stopped?: boolean }>(other.url, 'POST', '/api/ui/chat/ui-stop/stop', body);
  expect((await stop({})).status).toBe(400);
  expect((await stop({ turn_id: 'tother' })).body).toEqual({ success: true, stopped: false });
  expect((await stop({ messageId: chat.lastMessage?.id })).body).toEqual({ success: true, stopped: true });
  await sent;
  expect(await historyOf(one, 'ui-stop')).toEqual(['user: hello', 'assistant: half [truncated]']);
  expect((await stop({ messageId: chat.lastMessage?.id })).body).toMatchObject({ stopped: false });
  // An answer that goes on after a call has the id of the message that held the call.
  deployment.model.reply(({ messages }) =>
    messages.at(-1)?.role === 'tool'
      ? [{ delta: 'half' }, { wait: gate }]
      : callSteps([{ id: 'c1', name: 'weather', args: {} }]),
  );
  const tools = uiChat(one, 'ui-stop', {
    messages: chat.messages,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    tools: [WEATHER_TOOL],
  } as object);
  await tools.chat.sendMessage({ text: 'Weather?' });
  await tools.chat.addToolOutput({ tool: 'weather', toolCallId: 'c1', output: 'sunny' } as never);
  await waitFor(() => tools.text() === 'half', { what: 'the rest of the answer' });
  expect((await stop({ messageId: tools.chat.lastMessage?.id })).body).toMatchObject({ stopped: true });
  await waitFor(() => tools.chat.status === 'ready', { what: 'its end' });
});

promise(
  'ui.tools',
  'a turn ends in the calls of the client’s tools, and their outputs continue the same message, on another replica as well',
  async () => {
    const args = { city: 'Rome' };
    deployment.model.reply(({ messages }) =>
      messages.at(-1)?.role === 'tool'
        ? [{ delta: `It is ${messages.at(-1)?.content}.` }]
        : callSteps([{ id: 'c1', name: 'weather', args }]),
    );
    const { chat } = uiChat(one, 'ui-tools', { tools: [WEATHER_TOOL] } as object);
    await chat.sendMessage({ text: 'Weather?' });
    expect(chat.lastMessage?.parts.at(-1)).toMatchObject({
      ...{ type: 'tool-weather', toolCallId: 'c1', state: 'input-available', input: args },
    });
    const elsewhere = uiChat(other, 'ui-tools', {
      messages: chat.messages,
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    });
    await elsewhere.chat.addToolOutput({ tool: 'weather', toolCallId: 'c1', output: 'sunny' } as never);
    await waitFor(() => elsewhere.text() === 'It is sunny.', { what: 'the answer' });
    expect(elsewhere.chat.messages).toHaveLength(2);
    expect(elsewhere.errors).toEqual([]);
    const [, answer] = elsewhere.chat.messages;
    const name = { id: 'ui-tools', messageId: answer?.id, message: chat.messages[0] };
    const anew = await call(one.url, 'POST', '/api/ui/chat', { ...name, trigger: 'regenerate-message' });
    expect(anew.status).toBe(200);
    expect((await historyOf(one, 'ui-tools')).filter((line) => line.includes('sunny'))).toHaveLength(1);
    const twice = await post({ id: 'ui-tools', messages: [answer] });
    expect(twice).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
  },
);

promise(
  'ui.errors',
  'an error before the stream has a status and our code in its body, which useChat shows; one within it is an error chunk',
  async () => {
    const before = asked();
    const wrong: [object, number, string][] = [
      [{ messages: [user('x')] }, 400, 'invalid_request'],
      [{ id: 'ui-errors', messages: [] }, 400, 'invalid_request'],
      [{ id: 'ui-errors', messages: [user(' ')] }, 400, 'invalid_request'],
      [{ id: 'ui-errors', messages: [{ role: 'system', parts: [] }] }, 400, 'invalid_request'],
      [{ id: 'ui-errors', messages: [user('x')], model: 'third' }, 404, 'model_not_found'],
    ];
    for (const [body, status, code] of wrong) {
      expect([body, await post(body)]).toMatchObject([body, { status, body: { error: { code } } }]);
    }
    expect(asked()).toBe(before);
    expect((await call(one.url, 'GET', '/api/sessions/ui-errors')).status).toBe(404);
    const early = uiChat(one, 'not an id');
    await early.chat.sendMessage({ text: 'x' });
    expect(early.chat.status).toBe('error');
    expect(JSON.parse(early.errors[0]?.message ?? '{}')).toMatchObject({
      error: { code: 'invalid_request' },
    });
    deployment.model.reply(() => [{ delta: 'half' }, { destroySocket: true }]);
    const late = uiChat(one, 'ui-errors');
    await late.chat.sendMessage({ text: 'x' });
    expect(late.errors[0]?.message).toContain('usable answer');
  },
);

promise(
  'ui.busy',
  'a message that waits is told its place in the queue only when it asks for it, and is answered after those before it',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const running = await say(one, 'ui-busy', 'first');
    const body = JSON.stringify({ id: 'ui-busy', messages: [user('second')] });
    const ask = (headers: object) =>
      fetch(`${other.url}/api/ui/chat`, {
        ...{ method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } },
      });
    const told = ask({ 'x-turnwise-events': 'queued' });
    await waitFor(async () => (await told).status === 200, { what: 'the place in the queue' });
    gate.open();
    const chunks = await (await told).text();
    expect(chunks).toMatch(/^data: \{"type":"data-queued".*"position":1/);
    expect(chunks).toContain('[DONE]');
    await running.all();
    expect((await (await ask({})).text()).startsWith('data: {"type":"start"')).toBe(true);
    const shown = (
      JSON.parse(`[${chunks.match(/\{"type":"text-delta".*?\}/g)?.join(',')}]`) as { delta: string }[]
    ).map(({ delta }) => delta);
    expect(shown.join('')).toBe('echo:second');
  },
);
