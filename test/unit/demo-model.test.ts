import OpenAI from 'openai';
import { expect } from 'vitest';
import { answerFor, type DemoMessage, wordsOf } from '../../src/model/demo-answers.ts';
import { type DemoModel, startDemoModel } from '../../src/model/demo-model.ts';
import { collect } from '../../testkit/collect.ts';
import { call } from '../../testkit/http/http.ts';
import { openStream } from '../../testkit/http/sse.ts';
import { whenLeftOver } from '../../testkit/process/left-overs.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

const user = (content: string): DemoMessage => ({ role: 'user', content });
const assistant = (content: string): DemoMessage => ({ role: 'assistant', content });
const askAfter = (told: string, question: string) =>
  answerFor([{ role: 'system', content: 'My name is System.' }, user(told), assistant('ok'), user(question)]);

async function startDemo(wordDelayMs = 0): Promise<DemoModel> {
  const model = await startDemoModel({ host: '127.0.0.1', port: 0, wordDelayMs });
  whenLeftOver(model.close);
  return model;
}

promise('demo.name.remembers', 'the demo model knows a name that an earlier message gave', () => {
  for (const told of [
    '你好，我叫张三',
    '我叫张三。',
    '我的名字叫张三！',
    '我是张三',
    '我叫做张三，今年五岁',
    '我叫张三今年五岁',
  ]) {
    expect(askAfter(told, '我是谁？'), told).toBe('你叫张三。');
  }
  for (const question of ['我叫什么', '我叫什么名字？', '我的名字是什么', '你还记得我的名字吗']) {
    expect(askAfter('我叫小明', question), question).toBe('你叫小明。');
  }
  for (const told of [
    'My name is Ada Lovelace.',
    "hi, my name's Ada Lovelace and I write",
    'I am called Ada Lovelace',
  ]) {
    expect(askAfter(told, 'What is my name?'), told).toBe('Your name is Ada Lovelace.');
  }
  for (const question of ['who am I?', "What's my name", 'do you remember my name']) {
    expect(askAfter('my name is bob', question), question).toBe('Your name is bob.');
  }
  expect(askAfter('我叫 Bob', '我叫什么')).toBe('你叫Bob。');
  expect(
    answerFor([user('我叫张三'), assistant('ok'), user('我叫李四'), assistant('ok'), user('我是谁')]),
  ).toBe('你叫李四。');
  expect(answerFor([user('你好，我叫张三')])).toBe('你好，张三！很高兴认识你。');
  expect(answerFor([user('My name is Ada.')])).toBe('Hello Ada, nice to meet you.');
});

promise('demo.name.only-shown', 'the demo model knows no name that its messages do not give', () => {
  expect(askAfter('我叫张三', '我是谁')).toBe('你叫张三。');
  expect(answerFor([user('我是谁？')])).toBe('我不知道你的名字，请告诉我。');
  expect(answerFor([user('Who am I?')])).toBe('I do not know your name yet.');
  // A name said by the system or the assistant is not the user's.
  expect(answerFor([assistant('我叫张三'), user('我叫什么')])).toBe('我不知道你的名字，请告诉我。');
  expect(answerFor([{ role: 'system', content: 'My name is Eve' }, user('what is my name')])).toBe(
    'I do not know your name yet.',
  );
});

promise('demo.name.question-is-no-name', 'a question about the name is never taken as a name', () => {
  const questions = [
    '我叫什么',
    '我叫什么名字',
    '我是谁',
    '我叫啥',
    '我是什么人',
    '我是一个学生',
    '我叫你写诗',
  ];
  for (const question of questions) {
    expect(askAfter(question, '我叫什么'), question).toBe('我不知道你的名字，请告诉我。');
  }
  for (const question of [
    'who am I',
    'what is my name?',
    'My name is not known',
    'guess: my name is what?',
  ]) {
    expect(askAfter(question, 'what is my name'), question).toBe('I do not know your name yet.');
  }
});

promise(
  'demo.long-answer',
  'the demo model writes an answer of the requested length, with heading, list and code',
  () => {
    const english = answerFor([user('please write 200 words')]);
    expect(english).toMatch(/^## .+\n[\s\S]*\n- .+\n[\s\S]*```js\n/);
    expect(Math.abs(english.split(/\s+/).length - 200)).toBeLessThan(20);
    const chinese = answerFor([user('写 200 字')]);
    expect(chinese).toMatch(/^## .+\n[\s\S]*\n- .+\n[\s\S]*```js\n/);
    expect(Math.abs((chinese.match(/\p{Script=Han}/gu)?.length ?? 0) - 200)).toBeLessThan(30);
    expect(answerFor([user('hello'), assistant('x'), user('tell me more')])).toContain('shown 2 earlier');
    expect(answerFor([user('你好')])).toContain('0 条');
  },
);

promise('demo.words.join', 'the words of a streamed answer, joined, are exactly the answer', () => {
  for (const text of [
    answerFor([user('write 300 words')]),
    answerFor([user('写 300 字')]),
    '  a  b\n\n你好 x ',
    ' \n ',
    '👩‍👩‍👧 ok',
  ]) {
    expect(wordsOf(text).join('')).toBe(text);
  }
  expect(wordsOf('').length).toBe(0);
});

promise(
  'demo.stream.openai-client',
  'the official openai client streams an answer of the demo model with its usage',
  async () => {
    const model = await startDemo();
    const client = new OpenAI({ baseURL: model.url, apiKey: 'any' });
    const messages = [{ role: 'user' as const, content: 'my name is Ada' }];
    const stream = await client.chat.completions.create({
      model: 'demo',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await collect(stream);
    const deltas = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').filter((text) => text !== '');
    expect(deltas).toEqual(['Hello', ' Ada,', ' nice', ' to', ' meet', ' you.']);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)?.choices).toEqual([]);
    expect(chunks.at(-1)?.usage).toEqual({ prompt_tokens: 4, completion_tokens: 6, total_tokens: 10 });

    const plain = await client.chat.completions.create({ model: 'demo', messages });
    expect(plain.choices[0]?.message.content).toBe(deltas.join(''));
    const bare = await collect(
      await client.chat.completions.create({ model: 'demo', messages, stream: true }),
    );
    expect(bare.every((chunk) => chunk.choices.length === 1)).toBe(true);
    expect((await client.models.list()).data.map((one) => one.id)).toEqual(['demo']);
  },
);

promise(
  'demo.stream.stops-when-client-leaves',
  'the demo model stops an answer when its client disconnects',
  async () => {
    const model = await startDemo(20);
    const body = { model: 'demo', stream: true, messages: [user('write 5000 words')] };
    const reader = await openStream(`${model.url}/chat/completions`, { method: 'POST', body });
    await reader.next();
    await reader.next();
    expect(model.answering).toBe(1);
    reader.destroy();
    await waitFor(() => model.answering === 0, { timeoutMs: 1000, what: 'the answer to stop' });
  },
);

promise(
  'demo.errors.openai-shaped',
  'the demo model rejects a request that it cannot answer, with an error in the OpenAI format',
  async () => {
    const model = await startDemo();
    const ask = async (method: string, path: string, body?: unknown) => {
      const answer = await call<{ error: { code: string; message: string; type: string } }>(
        model.url,
        method,
        path,
        body,
      );
      expect(answer.body.error).toMatchObject({ message: expect.any(String), type: 'invalid_request_error' });
      return [answer.status, answer.body.error.code];
    };
    const path = '/chat/completions';
    const messages = [user('hi')];
    expect(await ask('POST', path, { model: 'gpt', messages })).toEqual([404, 'model_not_found']);
    expect(await ask('POST', path, '{"model":')).toEqual([400, 'invalid_json']);
    expect(await ask('POST', path, { model: 'demo' })).toEqual([400, 'invalid_request']);
    expect(await ask('POST', path, { model: 'demo', messages: [null] })).toEqual([400, 'invalid_request']);
    expect(await ask('POST', path, 'null')).toEqual([404, 'model_not_found']);
    expect(await ask('GET', path)).toEqual([405, 'method_not_allowed']);
    expect(await ask('GET', '/nothing')).toEqual([404, 'unknown_url']);
  },
);
