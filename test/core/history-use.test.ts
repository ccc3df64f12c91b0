import { beforeAll, beforeEach, expect } from 'vitest';
import type { Input } from '../../src/conversation/input.ts';
import { DOORS } from '../../src/http/doors.ts';
import { call } from '../../testkit/http/http.ts';
import { echo, type ScriptedModel, startScriptedModel } from '../../testkit/model/scripted-model.ts';
import type { RedisServer } from '../../testkit/redis/redis.ts';
import { startStore } from '../../testkit/server/deployment.ts';
import { startInProcess } from '../../testkit/server/in-process.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { useDoor } from '../support/throwaway-doors.ts';
import { promise } from './promises.ts';

let redis: RedisServer;
let model: ScriptedModel;
let replica: Replica;
let other: Replica;

beforeAll(async () => {
  [{ redis }, model] = await Promise.all([startStore(), startScriptedModel()]);
  const env = { WORKER: 'off', LOG_LEVEL: 'warn', LOCK_TTL_MS: '1000', SESSION_MAX_MESSAGES: '6' };
  const start = () => startInProcess({ redisUrl: redis.url, modelUrl: model.url, env }, [...DOORS, useDoor]);
  [replica, other] = await Promise.all([start(), start()]);
});
beforeEach(() => model.reply(echo));

interface Answer {
  readonly text: string;
  readonly session_id: string;
  readonly turn_id: string;
  readonly stored?: boolean;
  readonly calls: readonly string[];
  readonly end: { readonly messageCount: number };
  readonly error?: { readonly code: string; readonly message: string };
}

const user = (text: string): Input => [{ role: 'user', parts: [{ type: 'text', text }] }];
const assistant = (text: string): Input => [{ role: 'assistant', parts: [{ type: 'text', text }] }];
const result = (callId: string): Input => [
  { role: 'tool', parts: [{ type: 'function_result', callId, output: 'noon', isError: false }] },
];

function use(id: string, body: object, path = '/use', at = replica) {
  return call<Answer>(at.url, 'POST', path, { id, ...body });
}
const say = (id: string, text: string, more: object = {}, at = replica) =>
  use(id, { input: user(text), ...more }, '/use', at);

interface Stored {
  readonly id: string;
  readonly turn_id: string;
  readonly role: string;
  readonly content: string;
}

async function messages(id: string, at = other): Promise<readonly Stored[]> {
  const reply = await call<{ messages: Stored[] }>(at.url, 'GET', `/api/sessions/${id}/messages`);
  return reply.body.messages;
}
const contents = async (id: string) => (await messages(id)).map(({ content }) => content);

/** What the metadata and the list say agrees, and doctor would find nothing. */
async function checkCount(id: string): Promise<void> {
  const [count, dropped] = (await redis.ask(
    'HMGET',
    `turnwise:{-/${id}}:meta`,
    'message_count',
    'dropped',
  )) as string[];
  const length = await redis.ask('LLEN', `turnwise:{-/${id}}:messages`);
  expect(Number(count)).toBe(Number(length) + Number(dropped));
}

promise(
  'history.regenerate',
  'the last turn is asked again and replaced in one commit; each replica then shows the model the new answer alone',
  async () => {
    await say('again', 'one');
    await say('again', 'two', {}, other);
    model.reply(() => [{ delta: 'better' }]);
    const asked = model.requests.length;
    const reply = await use('again', { options: { history: { kind: 'regenerate' } } });
    expect(reply.body).toMatchObject({ text: 'better', end: { messageCount: 4 } });
    expect(model.requests[asked]?.messages.map(({ content }) => content)).toEqual(['one', 'echo:one', 'two']);
    expect(await contents('again')).toEqual(['one', 'echo:one', 'two', 'better']);
    await checkCount('again');
    model.reply(echo);
    await say('again', 'three', {}, other);
    expect(model.requests.at(-1)?.messages.map(({ content }) => content)).toEqual([
      ...['one', 'echo:one', 'two', 'better', 'three'],
    ]);
    // A failed answer leaves the old one.
    model.reply(() => [{ status: 400 }]);
    expect((await use('again', { options: { history: { kind: 'regenerate' } } })).status).toBe(502);
    expect((await contents('again')).at(-1)).toBe('echo:three');
    const nothing = await use('nothing', { options: { history: { kind: 'regenerate' } } });
    expect(nothing).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } });
  },
);

promise(
  'history.append-remove',
  'items are added without the model and removed with what cannot be without them, in the order of the queue',
  async () => {
    const gate = model.gate();
    model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const running = say('items', 'one');
    await waitFor(() => model.requests.at(-1)?.messages.at(-1)?.content === 'one', {
      what: 'the model is asked',
    });
    const asked = model.requests.length;
    const appended = use(
      'items',
      { input: [...user('told'), ...assistant('noted')], options: { history: { kind: 'append' } } },
      '/use',
      other,
    );
    gate.open();
    await running;
    expect((await appended).body.end.messageCount).toBe(4);
    expect(model.requests).toHaveLength(asked);
    expect(await contents('items')).toEqual(['one', 'echo:one', 'told', 'noted']);
    const [one, , , noted] = await messages('items');
    const remove = (id: string | undefined) =>
      use('items', { options: { history: { kind: 'remove', items: [`${id}/0`] } } });
    const refused = await remove(one?.id);
    expect([refused.status, refused.body.error?.message]).toEqual([400, expect.stringContaining('question')]);
    expect((await remove(noted?.id)).body.end.messageCount).toBe(3);
    expect(await contents('items')).toEqual(['one', 'echo:one', 'told']);
    await checkCount('items');
    expect((await remove(noted?.id)).body.error?.message).toContain('no item');
    model.reply(echo);
    await say('items', 'two', {}, other);
    expect(model.requests.at(-1)?.messages.map(({ content }) => content)).toEqual([
      ...['one', 'echo:one', 'told', 'two'],
    ]);
  },
);

promise(
  'history.fork',
  'a turn that continues the last one stays in its session; one that continues an earlier one begins a session of its own with the history up to there',
  async () => {
    const first = await say('trunk', 'one');
    const second = await say('trunk', 'two', { follows: first.body.turn_id });
    expect(second.body.session_id).toBe('trunk');
    const asked = model.requests.length;
    const forked = await say('trunk', 'other two', { follows: first.body.turn_id }, other);
    const id = forked.body.session_id;
    expect(id).not.toBe('trunk');
    expect(model.requests[asked]?.messages.map(({ content }) => content)).toEqual([
      'one',
      'echo:one',
      'other two',
    ]);
    expect(forked.body.end.messageCount).toBe(4);
    expect(await contents(id)).toEqual(['one', 'echo:one', 'other two', 'echo:other two']);
    expect(await contents('trunk')).toEqual(['one', 'echo:one', 'two', 'echo:two']);
    expect((await messages(id))[0]?.id).toBe((await messages('trunk'))[0]?.id);
    expect((await call(replica.url, 'GET', `/api/sessions/${id}`)).body).toMatchObject({ parent: 'trunk' });
    await checkCount(id);
    await say(id, 'three', { follows: forked.body.turn_id });
    expect((await contents(id)).slice(-2)).toEqual(['three', 'echo:three']);
    expect((await say('trunk', 'x', { follows: 'tnone' })).body.error?.code).toBe('turn_not_found');
    expect((await say('nowhere', 'x', { follows: 'tnone' })).body.error?.code).toBe('turn_not_found');
    expect((await call(replica.url, 'GET', '/api/sessions/nowhere')).status).toBe(404);
  },
);

promise(
  'history.results',
  'a turn ends in calls of the caller’s tools and the next one brings the results; a result without an open call is refused, and both are dropped together',
  async () => {
    const toolCall = { index: 0, id: 'c1', function: { name: 'now', arguments: '{}' } };
    const chunk = { choices: [{ index: 0, delta: { tool_calls: [toolCall] } }] };
    model.reply(() => [{ chunk }, { finish: 'tool_calls' }]);
    const tools = [{ type: 'function', function: { name: 'now' } }];
    const called = await say('tools', 'what time?', { options: { tools } });
    expect(called.body).toMatchObject({ text: '', calls: ['c1'] });
    model.reply(() => [{ delta: 'Noon.' }]);
    const unknown = await use('tools', { input: result('c2') });
    expect([unknown.status, unknown.body.error?.code]).toEqual([400, 'invalid_request']);
    expect((await use('tools', { input: result('c1'), options: { tools } }, '/use', other)).body.text).toBe(
      'Noon.',
    );
    expect(model.requests.at(-1)?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool']);
    expect((await use('tools', { input: result('c1') })).status).toBe(400);
    model.reply(echo);
    // Past six messages the oldest whole turns are dropped: the call takes its result along.
    await say('tools', 'next');
    await say('tools', 'last');
    expect(await contents('tools')).toEqual(['next', 'echo:next', 'last', 'echo:last']);
    await checkCount('tools');
  },
);

promise(
  'history.resent',
  'of a history that a caller sends as a whole only what follows the stored one becomes a turn; what does not extend it is answered and not stored',
  async () => {
    const resend = (input: Input, at = replica) => use('front', { input }, '/use/resent', at);
    const chat = [...user('one')];
    expect((await resend(chat)).body).toMatchObject({ text: 'echo:one', stored: true });
    chat.push(...assistant('echo:one '), ...user('two'));
    expect((await resend(chat, other)).body).toMatchObject({ text: 'echo:two', stored: true });
    const title = await resend(user('Write a title for this chat'), other);
    expect(title.body).toMatchObject({ text: 'echo:Write a title for this chat', stored: false });
    const edited = [...user('one'), ...assistant('something else'), ...user('two')];
    expect((await resend(edited)).body.stored).toBe(false);
    expect(await contents('front')).toEqual(['one', 'echo:one', 'two', 'echo:two']);
    // Sent twice at once: the second finds the first in the way, is no continuation of it, and is answered all the same.
    chat.push(...assistant('echo:two'), ...user('three'));
    const gate = model.gate();
    model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const asked = model.requests.length;
    const twice = [resend(chat), resend(chat, other)];
    await waitFor(() => model.requests.length > asked, { what: 'the model is asked' });
    gate.open();
    for (const reply of await Promise.all(twice)) expect(reply.body.text).toBe('echo:three');
    expect((await contents('front')).slice(-4)).toEqual(['two', 'echo:two', 'three', 'echo:three']);
    await checkCount('front');
  },
);

promise(
  'history.receipt',
  'what a door wants back is stored with the messages of its turn, and deleted without them',
  async () => {
    const { body } = await say('echoes', 'one', { echo: '{"a":1}' });
    await say('echoes', 'two');
    const kept = () => call<Stored[]>(other.url, 'GET', `/use/echoes/${body.turn_id}`);
    const receipt = { echo: '{"a":1}', finishReason: 'stop', usage: expect.anything() };
    expect((await kept()).body).toMatchObject([{ role: 'user' }, { role: 'assistant', receipt }]);
    await use('echoes', { options: { history: { kind: 'forget', turn_id: body.turn_id } } });
    expect((await kept()).body.at(-1)).not.toHaveProperty('receipt');
    expect(await contents('echoes')).toEqual(['one', 'echo:one', 'two', 'echo:two']);
    expect((await call(other.url, 'GET', '/use/echoes/tnone')).status).toBe(404);
  },
);
