import OpenAI from 'openai';
import { beforeAll, beforeEach, expect } from 'vitest';
import { callSteps } from '../../testkit/model/call-steps.ts';
import { choice } from '../../testkit/model/model-wire.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { openai, WEATHER } from '../support/openai-client.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let one: OpenAI;
let other: OpenAI;

beforeAll(async () => {
  deployment = await startDeployment(2, { MODEL_MAX_RETRIES: '0', OPENAI_MODEL: 'scripted,second' });
  one = openai(replicaOf(deployment, 0));
  other = openai(replicaOf(deployment, 1));
});
beforeEach(() => deployment.model.reply(echo));

const hello = { model: 'scripted', messages: [{ role: 'user' as const, content: 'hello' }] };
const asked = () => deployment.model.requests.at(-1)?.body ?? {};

promise(
  'chat.openai.whole',
  'the openai package gets a whole answer, with usage, and its model as asked for',
  async () => {
    const answer = await one.chat.completions.create({ ...hello, model: 'second' });
    expect(answer).toEqual({
      id: expect.stringMatching(/^chatcmpl-t\w+$/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'second',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'echo:hello', refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(60);
    expect(asked()).toMatchObject({ model: 'second' });
    expect(asked().messages).toEqual(hello.messages);
  },
);

promise(
  'chat.openai.stream',
  'a stream begins with the role, gives each piece, then a reason to end, usage only when it was asked for, and [DONE]',
  async () => {
    const chunksOf = async (include_usage: boolean) => {
      const chunks = [];
      const stream = await one.chat.completions.create({
        ...hello,
        stream: true,
        stream_options: { include_usage },
      });
      for await (const chunk of stream) chunks.push(chunk);
      return chunks;
    };
    const plain = await chunksOf(false);
    expect(plain.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: 'assistant', content: '' },
      { content: 'echo:he' },
      { content: 'llo' },
      {},
    ]);
    expect(plain.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, null, 'stop']);
    expect(new Set(plain.map(({ id, model, object }) => [id, model, object].join())).size).toBe(1);
    expect(plain.every((chunk) => !('usage' in chunk))).toBe(true);
    const counted = await chunksOf(true);
    expect(counted.slice(0, -1).map(({ usage }) => usage)).toEqual([null, null, null, null]);
    expect(counted.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });
    const raw = await one.chat.completions.create({ ...hello, stream: true }).asResponse();
    const body = await raw.text();
    expect([raw.headers.get('content-type'), body.endsWith('\n\ndata: [DONE]\n\n')]).toEqual([
      expect.stringContaining('text/event-stream'),
      true,
    ]);
    expect(body).not.toMatch(/^(?:id|event):/m);
  },
);

promise(
  'chat.openai.reasoning',
  'reasoning is shown as reasoning_content, in pieces or whole, and apart from the text',
  async () => {
    deployment.model.reply(() => [
      { chunk: choice({ delta: { reasoning_content: 'Let me ' } }) },
      { chunk: choice({ delta: { reasoning_content: 'think.' } }) },
      { delta: 'Yes.' },
    ]);
    const answer = await one.chat.completions.create(hello);
    expect(answer.choices[0]?.message).toMatchObject({ reasoning_content: 'Let me think.', content: 'Yes.' });
    const stream = await one.chat.completions.create({ ...hello, stream: true });
    const deltas = [];
    for await (const { choices } of stream) deltas.push(choices[0]?.delta);
    expect(deltas).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'Let me ' },
      { reasoning_content: 'think.' },
      { content: 'Yes.' },
      {},
    ]);
  },
);

promise(
  'chat.openai.tools',
  'calls end a turn, and their outputs begin the next: over two replicas, whole or streamed, parallel ones in their order',
  async () => {
    const calls = ['Oslo', 'Rome'].map((city, at) => ({ id: `call_${at}`, name: 'weather', args: { city } }));
    deployment.model.reply(({ messages }) =>
      messages.at(-1)?.role === 'tool' ? [{ delta: `it is ${messages.at(-1)?.content}` }] : callSteps(calls),
    );
    const shown = calls.map(({ id, name, args }) => ({
      id,
      type: 'function',
      function: { name, arguments: JSON.stringify(args) },
    }));
    const headers = { 'x-session-id': 'tools' };
    const question = { role: 'user', content: 'Weather?' } as const;
    const body = { model: 'scripted', tools: [WEATHER], parallel_tool_calls: true };
    const first = await one.chat.completions.create({ ...body, messages: [question] }, { headers });
    expect(first.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: shown },
    });
    expect(asked()).toMatchObject({ tools: [WEATHER], parallel_tool_calls: true });
    const answer = first.choices[0]?.message;
    if (answer === undefined) throw new Error('there is no choice');
    const outputs = ['cold', 'warm'].map((content, at) => ({
      role: 'tool' as const,
      tool_call_id: `call_${at}`,
      content,
    }));
    const second = await other.chat.completions.create(
      { ...body, messages: [question, answer, ...outputs] },
      { headers },
    );
    expect(second.choices[0]?.message.content).toBe('it is warm');
    expect(asked().messages).toEqual([
      question,
      { role: 'assistant', content: null, tool_calls: shown },
      { role: 'tool', tool_call_id: 'call_0', content: 'cold' },
      { role: 'tool', tool_call_id: 'call_1', content: 'warm' },
    ]);
    expect(await historyOf(replicaOf(deployment, 0), 'tools')).toHaveLength(5);

    const runner = one.chat.completions.runTools({
      model: 'scripted',
      stream: true,
      messages: [question],
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            description: 'The weather in a city',
            parameters: { type: 'object' },
            function: () => 'dry',
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe('it is dry');
  },
);

promise(
  'chat.openai.parts',
  'images and files are passed on unchanged, also in later turns of the session',
  async () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } } as const;
    const far = { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } } as const;
    const file = {
      type: 'file',
      file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' },
    } as const;
    const content = [{ type: 'text', text: 'What is this?' } as const, image, far, file];
    const headers = { 'x-session-id': 'parts' };
    deployment.model.reply(() => [{ delta: 'a cat' }]);
    const first = [{ role: 'user', content } as const];
    await one.chat.completions.create({ model: 'scripted', messages: first }, { headers });
    expect(asked().messages).toEqual(first);
    const later = [
      ...first,
      { role: 'assistant', content: 'a cat' } as const,
      { role: 'user', content: 'sure?' } as const,
    ];
    await other.chat.completions.create({ model: 'scripted', messages: later }, { headers });
    expect(asked().messages).toEqual(later);
    expect(await historyOf(replicaOf(deployment, 0), 'parts')).toHaveLength(4);
  },
);

promise(
  'chat.openai.parsed',
  'response_format reaches the model as it was, and the helper of the package parses the answer',
  async () => {
    deployment.model.reply(() => [{ delta: '{"city":' }, { delta: '"Oslo"}' }]);
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const format = { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } } as const;
    const parsed = await one.chat.completions.parse({ ...hello, response_format: format });
    expect(asked().response_format).toEqual(format);
    expect(parsed.choices[0]?.message.parsed).toEqual({ city: 'Oslo' });
    const stream = one.chat.completions.stream({ ...hello, response_format: format });
    expect((await stream.finalChatCompletion()).choices[0]?.message.parsed).toEqual({ city: 'Oslo' });
  },
);

promise(
  'chat.openai.models',
  'the package lists the models and finds one, the default first; another is 404',
  async () => {
    const listed = [];
    for await (const model of one.models.list()) listed.push(model);
    expect(listed).toEqual(
      ['scripted', 'second'].map((id) => ({ id, object: 'model', created: 0, owned_by: 'turnwise' })),
    );
    expect(await one.models.retrieve('second')).toEqual(listed[1]);
    const unknown = one.models.retrieve('org/third');
    await expect(unknown).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(unknown).rejects.toMatchObject({ code: 'model_not_found', param: 'model' });
  },
);
