import fc from 'fast-check';
import { beforeAll, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { testSeed } from '../../testkit/seed.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1);
  replica = replicaOf(deployment, 0);
});

const hello = { model: 'scripted', messages: [{ role: 'user' as const, content: 'hello' }] };

interface ErrorReply {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

const post = (body: unknown, headers = {}) =>
  call<ErrorReply>(replica.url, 'POST', '/v1/chat/completions', body, headers);

promise(
  'chat.requests.refused',
  'a parameter that would change the answer and cannot be honoured is refused by its name, before the model is asked',
  async () => {
    const calls = deployment.model.requests.length;
    const user = (part: object) => ({ messages: [{ role: 'user', content: [part] }] });
    const refused: readonly (readonly [object, string, string])[] = [
      [{ n: 2 }, 'n', 'n is not supported: there is one answer a request'],
      [{ logprobs: true }, 'logprobs', 'logprobs is not supported'],
      [{ top_logprobs: 3 }, 'top_logprobs', 'top_logprobs is not supported'],
      [{ audio: { voice: 'alloy', format: 'wav' } }, 'audio', 'audio is not supported: answers are text'],
      [{ modalities: ['text', 'audio'] }, 'modalities', 'modalities is not supported: answers are text'],
      [{ functions: [{ name: 'f' }] }, 'functions', 'functions is not supported: use tools'],
      [{ function_call: 'auto' }, 'function_call', 'function_call is not supported: use tool_choice'],
      [{ web_search_options: {} }, 'web_search_options', 'web_search_options is not supported'],
      [{ tools: [{ type: 'custom' }] }, 'tools[0]', 'a tool of type custom is not supported'],
      [
        user({ type: 'input_audio', input_audio: { data: '', format: 'wav' } }),
        'messages[0].content[0]',
        'a part of type input_audio is not supported',
      ],
      [
        user({ type: 'file', file: { file_id: 'file-1' } }),
        'messages[0].content[0].file.file_id',
        'file_id is not supported: send the file as file_data',
      ],
      [
        { messages: [{ role: 'function', name: 'f', content: '' }] },
        'messages[0]',
        'a message of role function is not supported: use tool',
      ],
      [
        { messages: [...hello.messages, { role: 'system', content: 'late' }] },
        'messages[1].role',
        'a message of role system or developer is only possible before all others',
      ],
    ];
    for (const [body, param, message] of refused) {
      const { status, body: reply } = await post({ ...hello, ...body });
      expect([status, reply]).toEqual([
        400,
        { error: { message, type: 'invalid_request_error', param, code: 'invalid_request' } },
      ]);
    }
    expect(deployment.model.requests).toHaveLength(calls);
  },
);

promise(
  'chat.requests.invalid',
  'what is not valid is refused with the name of the place, and nothing is coerced',
  async () => {
    const wrong: readonly (readonly [unknown, string | null])[] = [
      [{ messages: hello.messages }, 'model'],
      [{ model: 'scripted' }, 'messages'],
      [{ ...hello, messages: [] }, 'messages'],
      [{ ...hello, temperature: '1' }, 'temperature'],
      [{ ...hello, temperature: 3 }, 'temperature'],
      [{ ...hello, max_tokens: 0 }, 'max_tokens'],
      [{ ...hello, stop: [1] }, 'stop[0]'],
      [{ ...hello, made_up: 1 }, 'made_up'],
      [{ ...hello, messages: [{ role: 'user' }] }, 'messages[0].content'],
      [{ ...hello, messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
      [{ ...hello, messages: [{ role: 'someone', content: 'x' }] }, 'messages[0]'],
      [{ ...hello, response_format: { type: 'xml' } }, 'response_format.type'],
      [{ ...hello, tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
      [{ ...hello, messages: [{ role: 'user', content: ' ' }] }, null],
      [{ ...hello, messages: [...hello.messages, { role: 'assistant', content: 'x' }] }, null],
      [{ ...hello, messages: [{ role: 'tool', tool_call_id: 'nobody', content: 'x' }] }, null],
    ];
    for (const [body, param] of wrong) {
      const { status, body: reply } = await post(body);
      expect([body, status, reply.error]).toMatchObject([
        body,
        400,
        { type: 'invalid_request_error', code: 'invalid_request', param },
      ]);
    }
    for (const headers of [
      { 'x-session-id': 'not an id' },
      { 'x-session-id': ['one', 'two'] },
      { 'idempotency-key': 'x' },
    ]) {
      expect((await post(hello, headers)).status).toBe(400);
    }
    expect(await post('{')).toMatchObject({
      status: 400,
      body: { error: { type: 'invalid_request_error' } },
    });
  },
);

promise(
  'chat.requests.accepted',
  'what shapes the answer reaches the model as it was sent; what shapes nothing is accepted, and so is null',
  async () => {
    const shaping = {
      ...{ temperature: 0.5, top_p: 0.9, max_tokens: 7, max_completion_tokens: 8, stop: ['x'], seed: 1 },
      ...{ frequency_penalty: -1, presence_penalty: 2, logit_bias: { '50': -100 } },
      ...{ response_format: { type: 'json_object' }, reasoning_effort: 'low', verbosity: 'low', top_k: 5 },
      ...{ tool_choice: 'none', parallel_tool_calls: false },
    };
    const nothing = {
      ...{ user: 'u', metadata: { a: 'b' }, store: true, service_tier: 'auto', prompt_cache_key: 'k' },
      ...{ safety_identifier: 's', n: 1, logprobs: false, modalities: ['text'], functions: [] },
    };
    const { status, body } = await post({ ...hello, ...shaping, ...nothing, seed: 1, audio: null });
    expect([status, body]).toMatchObject([200, { metadata: { a: 'b' }, service_tier: 'auto' }]);
    const sent = deployment.model.requests.at(-1)?.body ?? {};
    const { model: _, messages: __, stream: ___, stream_options: ____, ...rest } = sent;
    expect(rest).toEqual(shaping);
    const nulls = Object.fromEntries(
      Object.keys({ ...shaping, ...nothing, tools: 0, stream: 0 }).map((name) => [name, null]),
    );
    expect((await post({ ...hello, ...nulls })).status).toBe(200);
    const after = deployment.model.requests.at(-1)?.body ?? {};
    expect(Object.keys(after).toSorted()).toEqual(['messages', 'model', 'stream', 'stream_options']);
  },
);

promise(
  'chat.requests.anything',
  'whatever JSON a body holds, the reply is an answer or an error of this door, and never a fault of ours',
  async () => {
    const names = [
      'model',
      'messages',
      'stop',
      'tools',
      'tool_choice',
      'response_format',
      'n',
      'stream_options',
    ];
    const message = fc.record(
      {
        role: fc.constantFrom('user', 'assistant', 'tool', 'system', 'function', 'x'),
        content: fc.oneof(
          fc.string(),
          fc.jsonValue(),
          fc.array(fc.record({ type: fc.constantFrom(...PARTS) })),
        ),
        tool_calls: fc.jsonValue(),
        tool_call_id: fc.string(),
      },
      { requiredKeys: ['role'] },
    );
    const fields = fc.dictionary(fc.constantFrom(...names, 'made_up'), fc.jsonValue());
    const body = fc
      .tuple(fields, fc.array(message))
      .map(([more, messages]) => ({ ...hello, messages, ...more }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(body, fc.jsonValue()), async (sent) => {
        const { status, body: reply } = await post(JSON.stringify(sent), {
          'content-type': 'application/json',
        });
        expect([200, 400, 404]).toContain(status);
        if (status !== 200) expect(Object.keys(reply.error)).toEqual(['message', 'type', 'param', 'code']);
      }),
      { numRuns: 300, seed: testSeed },
    );
  },
);

const PARTS = ['text', 'image_url', 'file', 'input_audio', 'refusal'];
