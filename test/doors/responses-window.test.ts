import { beforeAll, beforeEach, expect } from 'vitest';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';
import { clientOf, model, weatherTool } from './responses-support.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0' });
});
beforeEach(() => deployment.model.reply(echo));

const client = () => clientOf(replicaOf(deployment, 0));

promise(
  'responses.input-tokens',
  'the tokens of a question are counted without asking the model: text, instructions, tools and the conversation',
  async () => {
    const count = async (body: object) => (await client().responses.inputTokens.count(body)).input_tokens;
    const plain = await count({ input: 'hello' });
    expect(plain).toBeGreaterThan(0);
    expect(await count({ input: 'hello', instructions: 'Be brief, please.' })).toBeGreaterThan(plain);
    expect(await count({ input: 'hello', tools: [weatherTool] })).toBeGreaterThan(plain + 10);
    expect(deployment.model.requests).toHaveLength(0);
    const conversation = (await client().conversations.create()).id;
    const response = await client().responses.create({ model, input: 'tell me a lot', conversation });
    expect(await count({ input: 'hello', conversation })).toBeGreaterThan(plain);
    const before = await count({ input: 'hello', previous_response_id: response.id });
    expect(before).toBe(await count({ input: 'hello', conversation }));
    await expect(count({ input: 'x', previous_response_id: 'resp_x' })).rejects.toMatchObject({
      status: 404,
    });
  },
);

promise(
  'responses.compact',
  'a conversation is summarised into one item, and a response that begins with it shows the model the summary',
  async () => {
    deployment.model.reply(() => [{ delta: 'They like tea.' }]);
    const conversation = (await client().conversations.create()).id;
    const last = await client().responses.create({ model, input: 'I like tea', conversation });
    const compacted = await client().responses.compact({
      model: 'scripted',
      previous_response_id: last.id,
      input: [{ role: 'user', content: 'And scones.' }],
    });
    expect(compacted).toMatchObject({ object: 'response.compaction', output: [{ type: 'compaction' }] });
    const asked = deployment.model.requests.at(-1)?.messages ?? [];
    expect(asked.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user', 'user']);
    deployment.model.reply(echo);
    const next = await client().responses.create({
      model,
      input: [...(compacted.output as never[]), { role: 'user', content: 'more' }],
    });
    expect(next.output_text).toBe('echo:more');
    expect(deployment.model.requests.at(-1)?.messages[0]?.content).toContain('They like tea.');
    const forged = { type: 'compaction', encrypted_content: 'e30' } as const;
    await expect(client().responses.create({ model, input: [forged] })).rejects.toMatchObject({
      status: 400,
    });
    const nameless = client().responses.compact({ input: 'x' } as never);
    await expect(nameless).rejects.toMatchObject({ status: 400, param: 'model' });
  },
);
