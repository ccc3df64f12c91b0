import { createOpenResponses } from '@ai-sdk/open-responses';
import { createOpenAI } from '@ai-sdk/openai';
import { Agent, OpenAIConversationsSession, OpenAIProvider, Runner, tool } from '@openai/agents';
import { tool as aiTool, generateText, jsonSchema, type ModelMessage, streamText } from 'ai';
import { beforeAll, beforeEach, expect } from 'vitest';
import { z } from 'zod';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';
import { callTools, clientOf, model } from './responses-support.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MODEL_MAX_RETRIES: '0' });
});
beforeEach(() => deployment.model.reply(echo));

const baseURL = (index: number) => `${replicaOf(deployment, index).url}/v1`;
const asked = () =>
  deployment.model.requests.at(-1)?.messages.map(({ role, content }) => `${role}: ${content}`);

promise(
  'clients.agents',
  'an agent of @openai/agents with a Conversations session calls its tool, remembers, and takes its last item back',
  async () => {
    const weather = tool({
      name: 'get_weather',
      description: 'The weather of a place',
      parameters: z.object({ place: z.string() }),
      execute: async ({ place }) => `rain in ${place}`,
    });
    const runner = new Runner({
      modelProvider: new OpenAIProvider({
        openAIClient: clientOf(replicaOf(deployment, 0)),
        useResponses: true,
      }),
      tracingDisabled: true,
    });
    const agent = new Agent({ name: 'Guide', instructions: 'Be brief.', model, tools: [weather] });
    const session = new OpenAIConversationsSession({ client: clientOf(replicaOf(deployment, 1)) });
    deployment.model.reply(({ messages }) =>
      messages.some(({ role }) => role === 'tool')
        ? [{ delta: 'It rains.' }]
        : callTools({ id: 'call_w', name: 'get_weather', arguments: '{"place":"Oslo"}' }),
    );
    const first = await runner.run(agent, 'weather?', { session });
    expect(first.finalOutput).toBe('It rains.');
    deployment.model.reply(echo);
    const second = await runner.run(agent, 'and now?', { session });
    expect(second.finalOutput).toBe('echo:and now?');
    expect(asked()).toEqual([
      ...['system: Be brief.', 'user: weather?', 'assistant: null', 'tool: rain in Oslo'],
      ...['assistant: It rains.', 'user: and now?'],
    ]);
    const types = (await session.getItems()).map(({ type }) => type);
    expect(types).toEqual([
      ...['message', 'function_call', 'function_call_result', 'message', 'message', 'message'],
    ]);
    expect(await session.popItem()).toMatchObject({ type: 'message', role: 'assistant' });
    expect(await session.getItems()).toHaveLength(5);
  },
);

promise(
  'clients.ai-sdk.openai',
  'the AI SDK sends the ids of earlier items in place of their text, and the model is told what they said',
  async () => {
    const messages: ModelMessage[] = [{ role: 'user', content: 'one' }];
    for (const [index, text] of ['two', 'three'].entries()) {
      const openai = createOpenAI({ baseURL: baseURL(index), apiKey: 'none' });
      const { response } = await generateText({ model: openai.responses(model), messages, maxRetries: 0 });
      messages.push(...response.messages, { role: 'user', content: text });
    }
    const openai = createOpenAI({
      baseURL: baseURL(0),
      apiKey: 'none',
      headers: { 'X-Session-ID': 'ai-sdk' },
    });
    const { text } = await generateText({ model: openai.responses(model), messages, maxRetries: 0 });
    expect(text).toBe('echo:three');
    expect(asked()).toEqual([
      ...['user: one', 'assistant: echo:one', 'user: two', 'assistant: echo:two', 'user: three'],
    ]);
    const unknown = { model, input: [{ type: 'item_reference', id: 'msg_nowhere-1-1-0' }] } as const;
    await expect(clientOf(replicaOf(deployment, 0)).responses.create(unknown as never)).rejects.toMatchObject(
      {
        status: 404,
        code: 'item_not_found',
      },
    );
  },
);

promise(
  'clients.ai-sdk.tools',
  'the AI SDK streams an answer, runs a tool between two responses, and stores each turn once under a session header',
  async () => {
    deployment.model.reply(({ messages }) =>
      messages.some(({ role }) => role === 'tool')
        ? [{ delta: 'It ' }, { delta: 'rains.' }]
        : callTools({ id: 'call_w', name: 'get_weather', arguments: '{"place":"Oslo"}' }),
    );
    const openai = createOpenAI({
      baseURL: baseURL(1),
      apiKey: 'none',
      headers: { 'X-Session-ID': 'ai-tools' },
    });
    const weather = aiTool({
      description: 'The weather of a place',
      inputSchema: jsonSchema<{ place: string }>({
        type: 'object',
        properties: { place: { type: 'string' } },
      }),
      execute: async ({ place }) => `rain in ${place}`,
    });
    const common = { model: openai.responses(model), prompt: 'weather?', maxRetries: 0 };
    const result = streamText({
      ...common,
      tools: { get_weather: weather },
      stopWhen: ({ steps }) => steps.length === 2,
    });
    expect(await result.text).toBe('It rains.');
    expect((await historyOf(replicaOf(deployment, 0), 'ai-tools')).map((line) => line.split(':')[0])).toEqual(
      [...['user', 'assistant', 'tool', 'assistant']],
    );
  },
);

promise(
  'clients.ai-sdk.open-responses',
  'the AI SDK provider for Open Responses gets an answer, whole and streamed',
  async () => {
    const provider = createOpenResponses({ name: 'turnwise', url: `${baseURL(0)}/responses` });
    const whole = await generateText({ model: provider(model), prompt: 'hello', maxRetries: 0 });
    expect(whole.text).toBe('echo:hello');
    const streamed = streamText({ model: provider(model), prompt: 'again', maxRetries: 0 });
    expect(await streamed.text).toBe('echo:again');
  },
);
