import { beforeAll, beforeEach, expect } from 'vitest';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';
import { allOf, callTools, clientOf, model, think, typesOf, weatherTool } from './responses-support.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MODEL_MAX_RETRIES: '0', OPENAI_MODEL: 'scripted,other' });
});
beforeEach(() => deployment.model.reply(echo));

const one = () => clientOf(replicaOf(deployment, 0));
const two = () => clientOf(replicaOf(deployment, 1));

promise(
  'responses.answer',
  'a response has every key of the specification, what the request chose is shown again and reaches the model',
  async () => {
    const { data, response } = await one()
      .responses.create({
        model: 'other',
        instructions: 'Be brief.',
        input: [
          { role: 'developer', content: 'In verse.' },
          { role: 'user', content: 'hello' },
        ],
        temperature: 0.5,
        max_output_tokens: 50,
        text: { format: { type: 'json_schema', name: 'answer', schema: { type: 'object' }, strict: true } },
        reasoning: { effort: 'low' },
        metadata: { topic: 'verse' },
        prompt_cache_key: 'k',
      })
      .withResponse();
    expect(data).toMatchObject({
      object: 'response',
      status: 'completed',
      model: 'other',
      output_text: 'echo:hello',
      instructions: 'Be brief.',
      temperature: 0.5,
      top_p: 1,
      max_output_tokens: 50,
      metadata: { topic: 'verse' },
      prompt_cache_key: 'k',
      reasoning: { effort: 'low', summary: null },
      store: true,
      background: false,
      error: null,
      incomplete_details: null,
      previous_response_id: null,
      output: [{ type: 'message', role: 'assistant', status: 'completed' }],
      usage: {
        input_tokens: 2,
        output_tokens: 2,
        total_tokens: 4,
        input_tokens_details: { cached_tokens: 0 },
      },
    });
    expect(data.id).toMatch(/^resp_[\w-]+$/);
    expect(data.output[0]?.id).toMatch(/^msg_[\w-]+-\d+-100001-0$/);
    const asked = deployment.model.requests.at(-1);
    expect(asked?.messages).toEqual([
      { role: 'system', content: 'Be brief.\n\nIn verse.' },
      { role: 'user', content: 'hello' },
    ]);
    expect(asked?.body).toMatchObject({
      model: 'other',
      temperature: 0.5,
      max_tokens: 50,
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'answer', strict: true } },
    });
    const sessionId = response.headers.get('x-session-id') ?? '';
    expect(await historyOf(replicaOf(deployment, 1), sessionId)).toEqual([
      'user: hello',
      'assistant: echo:hello',
    ]);
  },
);

promise(
  'responses.stream',
  'the frames of a stream come in the order of the protocol, numbered from 0, and the SDK makes the same response of them',
  async () => {
    deployment.model.reply(() => [...think('let me ', 'see'), { delta: 'one ' }, { delta: 'two' }]);
    const events = await allOf(await one().responses.create({ model, input: 'count', stream: true }));
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
    expect(typesOf(events)).toEqual([
      ...['created', 'in_progress', 'output_item.added', 'content_part.added', 'reasoning_text.delta'],
      ...['reasoning_text.done', 'content_part.done', 'output_item.done'],
      ...['output_item.added', 'content_part.added', 'output_text.delta', 'output_text.done'],
      ...['content_part.done', 'output_item.done', 'completed'],
    ]);
    const last = events.at(-1);
    expect(last).toMatchObject({
      response: { output: [{ type: 'reasoning' }, { content: [{ text: 'one two' }] }] },
    });
    const helped = await one().responses.stream({ model, input: 'count' }).finalResponse();
    expect(helped).toMatchObject({ status: 'completed', output_text: 'one two' });
  },
);

promise(
  'responses.stream.frames',
  'every frame names its type twice and is followed by the end mark, and a response in it has all its keys from the first',
  async () => {
    const reply = await fetch(`${replicaOf(deployment, 0).url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, input: 'hi', stream: true }),
    });
    const body = await reply.text();
    const frames = body.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'));
    expect(frames.at(-1)).toBe('data: [DONE]');
    const parsed = frames.slice(0, -1).map((frame) => {
      const [, event, data] = /^event: (.+)\ndata: (.+)$/.exec(frame) ?? [];
      return { event, data: JSON.parse(data ?? 'null') as { type: string; response?: object } };
    });
    for (const { event, data } of parsed) expect(data.type).toBe(event);
    const [first, last] = [parsed[0]?.data.response ?? {}, parsed.at(-1)?.data.response ?? {}];
    expect(Object.keys(first).sort()).toEqual(Object.keys(last).sort());
  },
);

promise(
  'responses.tools',
  'a response ends with the calls of the model, in their order; their outputs begin the next one, on another replica',
  async () => {
    deployment.model.reply(() =>
      callTools(
        { id: 'call_a', name: 'get_weather', arguments: '{"place":"Oslo"}' },
        { id: 'call_b', name: 'get_weather', arguments: '{"place":"Rome"}' },
      ),
    );
    const events = await allOf(
      await one().responses.create({
        model,
        input: 'weather?',
        tools: [weatherTool],
        tool_choice: 'auto',
        stream: true,
      }),
    );
    expect(typesOf(events).slice(2, 6)).toEqual([
      ...[
        'output_item.added',
        'function_call_arguments.delta',
        'function_call_arguments.done',
        'output_item.done',
      ],
    ]);
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error(`the last frame is ${last?.type}`);
    expect(last.response).toMatchObject({
      tools: [weatherTool],
      output: [
        { type: 'function_call', call_id: 'call_a', name: 'get_weather', arguments: '{"place":"Oslo"}' },
        { type: 'function_call', call_id: 'call_b', status: 'completed' },
      ],
    });
    expect(deployment.model.requests.at(-1)?.body).toMatchObject({
      tools: [{ type: 'function', function: { name: 'get_weather', parameters: weatherTool.parameters } }],
      tool_choice: 'auto',
    });
    deployment.model.reply(() => [{ delta: 'rain' }]);
    const next = await two().responses.create({
      model,
      previous_response_id: last.response.id,
      input: ['call_a', 'call_b'].map((call_id) => ({
        type: 'function_call_output',
        call_id,
        output: 'wet',
      })),
    });
    expect(next.output_text).toBe('rain');
    expect(deployment.model.requests.at(-1)?.messages.map(({ role }) => role)).toEqual([
      ...['user', 'assistant', 'tool', 'tool'],
    ]);
  },
);

promise(
  'responses.unknown-call',
  'an output for a call that nobody made is refused, and the conversation is as it was',
  async () => {
    const first = await one().responses.create({ model, input: 'hello' });
    const asking = one().responses.create({
      model,
      previous_response_id: first.id,
      input: [{ type: 'function_call_output', call_id: 'call_x', output: '1' }],
    });
    await expect(asking).rejects.toMatchObject({ status: 400, type: 'invalid_request_error' });
    const streaming = one().responses.create({
      model,
      previous_response_id: first.id,
      input: [{ type: 'function_call_output', call_id: 'call_x', output: '1' }],
      stream: true,
    });
    await expect(streaming).rejects.toMatchObject({ status: 400 });
    const again = await two().responses.create({ model, previous_response_id: first.id, input: 'more' });
    expect(again.output_text).toBe('echo:more');
  },
);

promise('responses.incomplete', 'an answer that was cut short is incomplete, and says why', async () => {
  deployment.model.reply(() => [{ delta: 'half' }, { finish: 'length' }]);
  expect(await one().responses.create({ model, input: 'x' })).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output: [{ status: 'incomplete' }],
  });
  deployment.model.reply(() => [{ delta: 'half' }, { finish: 'content_filter' }]);
  const events = await allOf(await one().responses.create({ model, input: 'x', stream: true }));
  expect(events.at(-1)).toMatchObject({
    type: 'response.incomplete',
    response: { incomplete_details: { reason: 'content_filter' } },
  });
});

promise(
  'responses.summary',
  'what the model thinks is shown as it is, or as a summary where the request asks for one',
  async () => {
    deployment.model.reply(() => [...think('let me ', 'see'), { delta: 'done' }]);
    const stream = await one().responses.create({
      model,
      input: 'x',
      reasoning: { summary: 'auto' },
      stream: true,
    });
    const events = await allOf(stream);
    expect(typesOf(events).slice(2, 7)).toEqual([
      ...['output_item.added', 'reasoning_summary_part.added', 'reasoning_summary_text.delta'],
      ...['reasoning_summary_text.done', 'reasoning_summary_part.done'],
    ]);
    const plain = await one().responses.create({ model, input: 'x' });
    const [thought] = plain.output;
    expect(thought).toMatchObject({ summary: [], content: [{ type: 'reasoning_text', text: 'let me see' }] });
    const summarised = await one()
      .responses.stream({ model, input: 'x', reasoning: { summary: 'auto' } })
      .finalResponse();
    expect(summarised.output[0]).toMatchObject({ summary: [{ type: 'summary_text', text: 'let me see' }] });
  },
);

promise(
  'responses.max-output-tokens',
  'the limit of an answer goes by the name that the model server takes, which is learned from its refusal',
  async () => {
    deployment.model.reply((request) => {
      const message =
        "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.";
      if (!('max_tokens' in request.body)) return echo(request);
      return [
        { status: 400, body: { error: { message, param: 'max_tokens', code: 'unsupported_parameter' } } },
      ];
    });
    const response = await one().responses.create({ model, input: 'x', max_output_tokens: 20 });
    expect(response).toMatchObject({ output_text: 'echo:x', max_output_tokens: 20 });
    const { body } = deployment.model.requests.at(-1) ?? {};
    expect([body?.max_completion_tokens, body?.max_tokens]).toEqual([20, undefined]);
  },
);
