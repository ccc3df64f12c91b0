import type { ChatCompletionMessageParam } from 'openai/resources';
import { beforeAll, beforeEach, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { listSessions } from '../../testkit/server/api.ts';
import {
  type Deployment,
  historyOf,
  replicaOf,
  say,
  startDeployment,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { openai } from '../support/openai-client.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { SESSION_HEADERS: 'X-OpenWebUI-Chat-Id, x-chat' });
});
beforeEach(() => deployment.model.reply(echo));

const user = (content: string): ChatCompletionMessageParam => ({ role: 'user', content });
const shown = () => deployment.model.requests.at(-1)?.messages;

/** Asks replica after replica, as behind a balancer. */
let count = 0;
async function ask(messages: ChatCompletionMessageParam[], headers = {}) {
  count += 1;
  const request = openai(replicaOf(deployment, count % 2)).chat.completions.create(
    { model: 'scripted', messages },
    { headers },
  );
  const { data, response } = await request.withResponse();
  return { text: data.choices[0]?.message.content ?? '', id: data.id, headers: response.headers };
}

promise(
  'chat.session.stateless',
  'without a session every message of the body is shown to the model, nothing is stored, and no session is named',
  async () => {
    const before = await listSessions(replicaOf(deployment, 0));
    const messages: ChatCompletionMessageParam[] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
      user('one'),
      { role: 'assistant', content: 'two', refusal: null },
      { role: 'assistant', content: '' },
      user('three'),
    ];
    const { text, headers } = await ask(messages);
    expect(text).toBe('echo:three');
    expect(shown()).toEqual([
      { role: 'system', content: 'Be brief.\n\nBe kind.' },
      user('one'),
      { role: 'assistant', content: 'two' },
      user('three'),
    ]);
    expect([headers.get('x-session-id'), headers.get('x-turn-id')]).toEqual([null, null]);
    expect(await listSessions(replicaOf(deployment, 1))).toMatchObject({
      body: { total: before.body.total },
    });
  },
);

promise(
  'chat.session.ten-turns',
  'a front end that sends the whole history each time has ten turns stored once, whatever titles and edits it asks for between',
  async () => {
    const headers = { 'x-session-id': 'ten-turns' };
    const messages: ChatCompletionMessageParam[] = [{ role: 'system', content: 'Be brief.' }];
    const said: string[] = [];
    for (let turn = 1; turn <= 10; turn += 1) {
      messages.push(user(`question ${turn}`));
      const answer = await ask(messages, headers);
      expect(answer.headers.get('x-session-id')).toBe('ten-turns');
      expect(answer.id).toBe(`chatcmpl-${answer.headers.get('x-turn-id')}`);
      expect(shown()).toEqual(messages);
      messages.push({ role: 'assistant', content: answer.text });
      said.push(`user: question ${turn}`, `assistant: echo:question ${turn}`);
      if (turn === 1) {
        const title = await ask([user(`Give this a title: ${JSON.stringify(messages)}`)], headers);
        expect(title.headers.get('x-turn-id')).toBeNull();
      }
      if (turn === 7) {
        const edited = [...messages.slice(0, 3), user('another question')];
        expect((await ask(edited, headers)).text).toBe('echo:another question');
        expect(shown()).toEqual(edited);
      }
    }
    expect(await historyOf(replicaOf(deployment, 0), 'ten-turns')).toEqual(said);
  },
);

promise(
  'chat.session.one-history',
  'a session is one and the same on every door: what was said on the native API is its history here, and the other way round',
  async () => {
    await (await say(replicaOf(deployment, 0), 'doors', 'native')).all();
    const { text } = await ask(
      [user('native'), { role: 'assistant', content: 'echo:native' }, user('chat')],
      { 'x-session-id': 'doors' },
    );
    expect(text).toBe('echo:chat');
    await (await say(replicaOf(deployment, 1), 'doors', 'native again')).all();
    expect(shown()).toEqual([
      ...[user('native'), { role: 'assistant', content: 'echo:native' }],
      ...[user('chat'), { role: 'assistant', content: 'echo:chat' }, user('native again')],
    ]);
  },
);

promise(
  'chat.session.headers',
  'any header of SESSION_HEADERS names the session as well; an empty one names none, and two that differ are refused',
  async () => {
    expect((await ask([user('hello')], { 'x-openwebui-chat-id': 'named' })).headers.get('x-session-id')).toBe(
      'named',
    );
    const both = { 'x-chat': 'same', 'x-session-id': 'same' };
    expect((await ask([user('hello')], both)).headers.get('x-session-id')).toBe('same');
    expect((await ask([user('hello')], { 'x-chat': ' ' })).headers.get('x-session-id')).toBeNull();
    const body = { model: 'scripted', messages: [user('hello')] };
    const differ = { 'x-chat': 'one', 'x-session-id': 'other' };
    const { status } = await call(replicaOf(deployment, 0).url, 'POST', '/v1/chat/completions', body, differ);
    expect(status).toBe(400);
  },
);

promise(
  'chat.session.overtaken',
  'messages of one session wait for each other; one that does not continue what was said meanwhile is answered and not stored',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const headers = { 'x-session-id': 'overtaken' };
    const first = ask([user('first')], headers);
    await gate.reached;
    const second = ask([user('second')], headers);
    const isWaiting = async () => /turnwise_live_turns 1\b/.test(await metrics(count % 2));
    await waitFor(isWaiting, { what: 'the second one to wait' });
    gate.open();
    expect([(await first).text, (await second).text]).toEqual(['echo:first', 'echo:second']);
    expect(shown()).toEqual([user('second')]);
    expect(await historyOf(replicaOf(deployment, 0), 'overtaken')).toEqual([
      'user: first',
      'assistant: echo:first',
    ]);
  },
);

promise(
  'chat.session.long-wait',
  'a stream that waits for others gets its head after 5 s, so that no proxy gives it up; an error is then a frame',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ wait: gate }, { status: 400 }]);
    const headers = { 'x-session-id': 'long-wait' };
    const first = ask([user('first')], headers);
    await gate.reached;
    const request = { model: 'scripted', messages: [user('second')], stream: true as const };
    const waiting = openai(replicaOf(deployment, 0)).chat.completions.create(request, { headers });
    expect((await waiting.asResponse()).status).toBe(200);
    gate.open();
    await expect(first).rejects.toMatchObject({ status: 502, code: 'model_refused' });
    const reading = (async () => {
      for await (const _ of await waiting);
    })();
    await expect(reading).rejects.toMatchObject({ status: undefined, code: 'model_refused' });
  },
);

async function metrics(replica: number): Promise<string> {
  return (await call<string>(replicaOf(deployment, replica).url, 'GET', '/metrics')).body;
}

promise(
  'chat.session.repeat',
  'sent again with its Idempotency-Key a request is the same turn, also once its answer is history',
  async () => {
    const headers = { 'x-session-id': 'repeat', 'idempotency-key': 'once' };
    const said = [user('before'), { role: 'assistant' as const, content: 'echo:before' }, user('hello')];
    await ask(said.slice(0, 1), { 'x-session-id': 'repeat' });
    const first = await ask(said, headers);
    const calls = deployment.model.requests.length;
    const again = await ask(said, headers);
    expect([again.id, again.text, deployment.model.requests.length]).toEqual([first.id, first.text, calls]);
    await expect(ask([user('another')], headers)).rejects.toMatchObject({
      status: 422,
      code: 'idempotency_mismatch',
    });
    const edit = { 'x-session-id': 'repeat', 'idempotency-key': 'edit' };
    expect((await ask([user('edited')], edit)).id).toBe((await ask([user('edited')], edit)).id);
    expect(await historyOf(replicaOf(deployment, 0), 'repeat')).toHaveLength(4);
  },
);
