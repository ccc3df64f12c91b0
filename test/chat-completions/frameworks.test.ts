import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { tool as aiTool, generateText, stepCountIs, streamText } from 'ai';
import { beforeAll, beforeEach, expect } from 'vitest';
import { z } from 'zod';
import { callSteps } from '../../testkit/model/call-steps.ts';
import { choice } from '../../testkit/model/model-wire.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MODEL_MAX_RETRIES: '0' });
});
beforeEach(() => deployment.model.reply(echo));

const langchain = (replica: number, session?: string) =>
  new ChatOpenAI({
    model: 'scripted',
    apiKey: 'none',
    maxRetries: 0,
    configuration: {
      baseURL: `${replicaOf(deployment, replica).url}/v1`,
      defaultHeaders: session === undefined ? {} : { 'x-session-id': session },
    },
  });

const aiSdk = (replica: number, session?: string) =>
  createOpenAICompatible({
    name: 'turnwise',
    baseURL: `${replicaOf(deployment, replica).url}/v1`,
    includeUsage: true,
    ...(session === undefined ? {} : { headers: { 'x-session-id': session } }),
  })('scripted');

const argsOf = (id: string) => [{ id, name: 'weather', args: { city: 'Oslo' } }];
const city = z.object({ city: z.string() });

/** Calls the weather function, and repeats what it said. */
const weatherModel = () =>
  deployment.model.reply(({ messages }) =>
    messages.at(-1)?.role === 'tool'
      ? [{ delta: 'It is ' }, { delta: messages.at(-1)?.content ?? '' }]
      : callSteps(argsOf('call_1')),
  );

promise(
  'chat.langchain',
  '@langchain/openai asks whole and streamed, with usage, tools over two replicas, and an answer in a given shape',
  async () => {
    const whole = await langchain(0).invoke([new SystemMessage('Be brief.'), new HumanMessage('hello')]);
    expect(whole).toMatchObject({ content: 'echo:hello', usage_metadata: { total_tokens: 4 } });
    let streamed = await langchain(1).invoke('x');
    let count = 0;
    for await (const chunk of await langchain(1).stream('hello')) {
      streamed = count === 0 ? chunk : streamed.concat(chunk);
      count += 1;
    }
    expect(streamed).toMatchObject({ content: 'echo:hello', usage_metadata: { total_tokens: 3 } });
    expect(count).toBeGreaterThan(2);

    weatherModel();
    const weather = tool(() => 'cold', { name: 'weather', description: 'The weather', schema: city });
    const question = new HumanMessage('Weather in Oslo?');
    const call = await langchain(0, 'langchain').bindTools([weather]).invoke([question]);
    expect(call.tool_calls).toMatchObject([{ id: 'call_1', name: 'weather', args: { city: 'Oslo' } }]);
    const output = new ToolMessage({ content: 'cold', tool_call_id: 'call_1' });
    const answer = await langchain(1, 'langchain').bindTools([weather]).invoke([question, call, output]);
    expect(answer.content).toBe('It is cold');
    expect(await historyOf(replicaOf(deployment, 0), 'langchain')).toHaveLength(4);

    deployment.model.reply(() => [{ delta: '{"city":"Oslo"}' }]);
    const shaped = langchain(0).withStructuredOutput(city, { method: 'jsonSchema' });
    expect(await shaped.invoke('Where?')).toEqual({ city: 'Oslo' });
  },
);

promise(
  'chat.ai-sdk',
  '@ai-sdk/openai-compatible generates and streams text, reasoning, usage and the steps of a tool, over two replicas',
  async () => {
    const whole = await generateText({ model: aiSdk(0), prompt: 'hello', maxRetries: 0 });
    expect([whole.text, whole.usage.totalTokens, whole.finishReason]).toEqual(['echo:hello', 3, 'stop']);

    deployment.model.reply(() => [
      { chunk: choice({ delta: { reasoning_content: 'Hm.' } }) },
      { delta: 'Yes' },
      { finish: 'length' },
    ]);
    const cut = streamText({ model: aiSdk(1), prompt: 'hello', maxRetries: 0 });
    expect([await cut.text, await cut.reasoningText, await cut.finishReason]).toEqual([
      'Yes',
      'Hm.',
      'length',
    ]);
    expect((await cut.usage).totalTokens).toBe(2);

    weatherModel();
    let steps = 0;
    const streamed = streamText({
      model: aiSdk(0, 'ai-sdk'),
      prompt: 'Weather in Oslo?',
      tools: { weather: aiTool({ inputSchema: city, execute: async () => 'cold' }) },
      stopWhen: stepCountIs(3),
      maxRetries: 0,
      // The second step is asked on the other replica.
      prepareStep: () => {
        steps += 1;
        return { model: aiSdk(steps % 2, 'ai-sdk') };
      },
    });
    expect(await streamed.text).toBe('It is cold');
    expect((await streamed.steps).map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop']);
    expect(await historyOf(replicaOf(deployment, 1), 'ai-sdk')).toHaveLength(4);
  },
);

promise(
  'chat.ai-sdk.errors',
  '@ai-sdk/openai-compatible gets the message of an error before a stream and within it',
  async () => {
    const refused = generateText({ model: aiSdk(0), prompt: 'x', temperature: 9, maxRetries: 0 });
    await expect(refused).rejects.toMatchObject({
      statusCode: 400,
      message: expect.stringContaining('<= 2'),
    });
    deployment.model.reply(() => [{ delta: 'half' }, { destroySocket: true }]);
    const errors: unknown[] = [];
    const broken = streamText({
      model: aiSdk(0),
      prompt: 'x',
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    });
    await broken.consumeStream();
    expect(errors).toEqual([expect.anything()]);
    expect(JSON.stringify(errors)).toContain('did not give a usable answer');
  },
);
