import { beforeAll, beforeEach, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { openStream } from '../../testkit/http/sse.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  follow,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { CONTEXT_TOKENS: '3000', IMAGE_TOKENS: '1000' });
  replica = replicaOf(deployment, 0);
});
beforeEach(() => deployment.model.reply(echo));

const IMAGE = 'data:image/png;base64,iVBORw0KGgo=';

interface Reply {
  readonly status: number;
  readonly body: {
    readonly reply?: string;
    readonly error?: { readonly code: string; readonly message: string };
  };
}

function ask(
  conversation_id: string,
  message: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return call<Reply['body']>(replica.url, 'POST', '/api/chat', { message, conversation_id }, headers);
}

async function messagesOf(id: string) {
  const { body } = await call<{ messages: { id: string; content: string; parts?: unknown[] }[] }>(
    replica.url,
    'GET',
    `/api/sessions/${id}/messages`,
  );
  return body.messages;
}

promise(
  'parts.message',
  'a message may have parts: the model gets text, images and files in its own format, now and in the history',
  async () => {
    const parts = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', image_url: IMAGE },
      { type: 'file', file_url: 'https://example.com/a.pdf', filename: 'a.pdf' },
    ];
    deployment.model.reply(() => [{ delta: 'a picture' }]);
    expect((await ask('seen', parts)).body.reply).toBe('a picture');
    await ask('seen', 'and now?');
    const wire = {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: IMAGE } },
        { type: 'file', file: { filename: 'a.pdf', file_data: 'https://example.com/a.pdf' } },
      ],
    };
    const [first, second] = deployment.model.requests.slice(-2).map(({ messages }) => messages);
    expect(first).toEqual([wire]);
    expect(second).toEqual([
      wire,
      { role: 'assistant', content: 'a picture' },
      { role: 'user', content: 'and now?' },
    ]);
    const [message, reply] = await messagesOf('seen');
    expect(message).toMatchObject({ content: 'What is this?', parts });
    expect(reply).not.toHaveProperty('parts');
  },
);

promise(
  'parts.readable',
  'plain text is stored as readable as before, and a text that looks like parts stays a text',
  async () => {
    const said = ['["messages",{"role":"user"}]', '{"type":"image"}', '["messages"', 'hello'];
    for (const text of said) await ask('texts', text);
    expect((await messagesOf('texts')).filter((_, index) => index % 2 === 0)).toMatchObject(
      said.map((content) => ({ content })),
    );
    const [, , , , , , user] = (await deployment.redis.ask(
      'LRANGE',
      'turnwise:{-/texts}:messages',
      0,
      -1,
    )) as string[];
    expect(JSON.parse(user ?? '')).toEqual({
      id: expect.stringMatching(/^m\d{16}-1$/),
      turn_id: expect.any(String),
      session: '-/texts',
      role: 'user',
      created_at: expect.any(String),
      content: 'hello',
    });
    const { turn_id } = JSON.parse(user ?? '') as { turn_id: string };
    const inRecord = await deployment.redis.ask('HGET', `turnwise:{-/texts}:turn:${turn_id}`, 'message');
    expect(inRecord).toBe('hello');
  },
);

promise(
  'parts.refused',
  'an invalid part is refused by its position, and an image counts in the context, before anything is written',
  async () => {
    const wrong: [unknown, number, RegExp][] = [
      [[], 400, /message/],
      [[{ type: 'audio', data: 'x' }], 400, /message\/0/],
      [[{ type: 'text' }], 400, /message\/0.*text/],
      [[{ type: 'text', text: 'x', more: 1 }], 400, /more/],
      [[{ type: 'image', image_url: 7 }], 400, /message\/0\/image_url/],
      [[{ type: 'image', image_url: 'http://127.0.0.1/x.png' }], 400, /https or a data URL/],
      [[{ type: 'image', image_url: 'file:///etc/passwd' }], 400, /https or a data URL/],
      [[{ type: 'file', filename: 'a' }], 400, /file_url and file_data/],
      [[{ type: 'file', file_url: 'https://x/y', file_data: IMAGE }], 400, /file_url and file_data/],
      [[{ type: 'text', text: ' \n' }], 400, /blank/],
      [[{ type: 'text', text: '\ud800' }], 400, /surrogate/],
      [[{ type: 'function_result', call_id: 'c' }], 400, /message\/0.*output/],
      [[{ type: 'function_result', call_id: 'c', output: 'x' }], 400, /no open call/],
      [Array.from({ length: 3 }, () => ({ type: 'image', image_url: IMAGE })), 413, /context/],
    ];
    for (const [message, status, words] of wrong) {
      const refused = await ask('never', message);
      expect([message, refused.status, refused.body.error?.message]).toEqual([
        message,
        status,
        expect.stringMatching(words),
      ]);
    }
    expect((await call(replica.url, 'GET', '/api/sessions/never')).status).toBe(404);
    // Two of them fit.
    const two = Array.from({ length: 2 }, () => ({ type: 'image', image_url: IMAGE }));
    expect((await ask('fits', two)).status).toBe(200);
  },
);

promise(
  'parts.same-request',
  'an Idempotency-Key covers the parts: the same parts are the same turn, others are refused',
  async () => {
    const key = { 'idempotency-key': 'k' };
    const parts = (url: string) => [
      { type: 'text', text: 'look' },
      { type: 'image', image_url: url },
    ];
    const first = await ask('once', parts(IMAGE), key);
    expect(await ask('once', parts(IMAGE), key)).toMatchObject({ status: 200, body: first.body });
    expect(await ask('once', parts('https://example.com/b.png'), key)).toMatchObject({
      status: 422,
      body: { error: { code: 'idempotency_mismatch' } },
    });
    expect(await messagesOf('once')).toHaveLength(2);
  },
);

promise(
  'events.ids',
  'an event id is the fence of its attempt and a number: no two turns or attempts of a session share one',
  async () => {
    const readers = [await say(replica, 'ids', 'one'), await say(replica, 'ids', 'two')];
    for (const reader of readers) await reader.all();
    const ids = readers.map((reader) => reader.events.map(({ id = '' }) => id));
    const fences = ids.map((own) => [...new Set(own.map((id) => id.split('-')[0]))]);
    // The second turn waited: its early events have no fence yet.
    expect(fences.map((own) => own.filter((fence) => fence !== '0'))).toEqual([
      [expect.stringMatching(/^\d{16}$/)],
      [expect.stringMatching(/^\d{16}$/)],
    ]);
    expect(new Set(ids.flat().filter((id) => !id.startsWith('0-'))).size).toBe(
      ids.flat().filter((id) => !id.startsWith('0-')).length,
    );
    // And a place in one turn means nothing in the other.
    const last = ids[0]?.at(-1) ?? '';
    const second = await follow(replica, 'ids', turnIdOf(readers[1] as never), last);
    expect((await second.all()).map(({ event }) => event)).toContain('done');
  },
);

promise(
  'reasoning.stream',
  'reasoning is shown as its own events, in order with the text, and is neither stored nor sent back',
  async () => {
    const thought = (text: string) => ({
      chunk: { choices: [{ index: 0, delta: { reasoning_content: text } }] },
    });
    deployment.model.reply(() => [thought('Let me '), thought('think.'), { delta: 'Four.' }]);
    const reader = await openStream(`${replica.url}/api/chat/stream`, {
      method: 'POST',
      body: { message: 'two and two', conversation_id: 'aloud' },
    });
    await reader.all();
    expect(reader.events.map(({ event, data }) => [event, data.content])).toEqual([
      ['started', undefined],
      ['reasoning', 'Let me '],
      ['reasoning', 'think.'],
      ['delta', 'Four.'],
      ['done', undefined],
    ]);
    expect((await messagesOf('aloud')).map((message) => [message.content, message.parts])).toEqual([
      ['two and two', undefined],
      ['Four.', undefined],
    ]);
    // A resumed reader sees them as well, and a JSON reply is the text alone.
    expect(
      (await (await follow(replica, 'aloud', turnIdOf(reader))).all()).map(({ event }) => event),
    ).toContain('reasoning');
    expect((await ask('aloud', 'again')).body.reply).toBe('Four.');
    expect(deployment.model.requests.at(-1)?.messages.map(({ content }) => content)).toEqual([
      'two and two',
      'Four.',
      'again',
    ]);
  },
);

promise(
  'reasoning.settings',
  'REASONING=store keeps reasoning in the history, off shows none of it, and no model gets it back',
  async () => {
    const thought = { chunk: { choices: [{ index: 0, delta: { reasoning: 'Hm.' } }] } };
    deployment.model.reply(() => [thought, { delta: 'Yes.' }]);
    for (const [setting, events, stored] of [
      [
        'store',
        ['started', 'reasoning', 'delta', 'done'],
        [
          { type: 'reasoning', text: 'Hm.' },
          { type: 'text', text: 'Yes.' },
        ],
      ],
      ['off', ['started', 'delta', 'done'], undefined],
    ] as const) {
      const other = await deployment.another({ REASONING: setting, KEY_PREFIX: setting });
      const reader = await say(other, 'kept', 'is it?');
      await reader.all();
      expect(reader.events.map(({ event }) => event)).toEqual(events);
      const { body } = await call<{ messages: { parts?: unknown }[] }>(
        other.url,
        'GET',
        '/api/sessions/kept/messages',
      );
      expect(body.messages[1]?.parts).toEqual(stored);
      await (await say(other, 'kept', 'sure?')).all();
      expect(deployment.model.requests.at(-1)?.messages).toEqual([
        { role: 'user', content: 'is it?' },
        { role: 'assistant', content: 'Yes.' },
        { role: 'user', content: 'sure?' },
      ]);
    }
  },
);
