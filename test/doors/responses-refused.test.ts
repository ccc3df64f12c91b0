import { beforeAll, beforeEach, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';
import { allOf, clientOf, model } from './responses-support.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0' });
});
beforeEach(() => deployment.model.reply(echo));

const one = () => clientOf(replicaOf(deployment, 0));

promise(
  'responses.failed',
  'what fails before the first frame has a status; in mid-stream an error frame and a failed response end it',
  async () => {
    deployment.model.reply(() => [{ status: 500 }]);
    const failed = { status: 502, code: 'model_error', type: 'server_error' };
    await expect(one().responses.create({ model, input: 'x' })).rejects.toMatchObject(failed);
    deployment.model.reply(() => [{ delta: 'half' }, { destroySocket: true }]);
    const reply = await fetch(`${replicaOf(deployment, 0).url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, input: 'hi', stream: true }),
    });
    const frames = (await reply.text())
      .split('\n\n')
      .flatMap((frame) => /^data: (\{.+)$/m.exec(frame)?.[1] ?? []);
    const [error, last] = frames.slice(-2).map((data) => JSON.parse(data) as Record<string, unknown>);
    expect(error).toMatchObject({ type: 'error', error: { code: 'model_error', param: null } });
    expect(last).toMatchObject({
      type: 'response.failed',
      response: { status: 'failed', error: { code: 'model_error' }, output: [{ status: 'incomplete' }] },
    });
    const reading = allOf(await one().responses.create({ model, input: 'x', stream: true }));
    await expect(reading).rejects.toMatchObject({ code: 'model_error' });
  },
);

promise(
  'responses.disconnect',
  'closing the connection of a response that is not in the background stops its model',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'one' }, { wait: gate }, { delta: 'two' }]);
    const stream = await one().responses.create({ model, input: 'x', stream: true });
    for await (const event of stream) if (event.type === 'response.output_text.delta') break;
    await deployment.model.requests.at(-1)?.whenAborted;
    gate.open();
  },
);

promise(
  'responses.refused',
  'what a request cannot have is refused with the name of its field, before a session exists',
  async () => {
    const { url } = replicaOf(deployment, 0);
    const refusals: [object, string | null, number?][] = [
      [{ model: null, input: 'x' }, 'model'],
      [{}, 'input'],
      [{ input: [] }, 'input'],
      [{ input: 'x', temperature: 3 }, 'temperature'],
      [{ input: 'x', max_output_tokens: 1.5 }, 'max_output_tokens'],
      [{ input: 'x', tools: [{ type: 'web_search' }] }, 'tools[0]'],
      [{ input: 'x', tools: [{ type: 'function' }] }, 'tools[0].name'],
      [{ input: 'x', tool_choice: 'required' }, 'tool_choice'],
      [{ input: 'x', text: { format: { type: 'xml' } } }, 'text.format.type'],
      [{ input: 'x', top_logprobs: 2 }, 'top_logprobs'],
      [{ input: 'x', prompt: { id: 'p' } }, 'prompt'],
      [{ input: 'x', unheard_of: 1 }, 'unheard_of'],
      [{ input: 'x', metadata: { a: 1 } }, 'metadata'],
      [{ input: [{ role: 'user', content: [{ type: 'input_audio' }] }] }, 'input[0].content[0]'],
      [
        {
          input: [
            { role: 'user', content: 'x' },
            { role: 'system', content: 'y' },
          ],
        },
        'input[1]',
      ],
      [{ input: [{ type: 'web_search_call', id: 'ws' }] }, 'input[0]'],
      [{ input: 'x', conversation: 'a', previous_response_id: 'resp_x' }, 'previous_response_id'],
      [{ input: 'x', conversation: 'nowhere' }, 'conversation', 404],
      [{ input: 'x', previous_response_id: 'resp_nowhere' }, 'previous_response_id', 404],
      [{ input: 'x', model: 'nobody' }, 'model', 404],
      [{ input: 'x', background: true, store: false }, 'background'],
    ];
    const before = deployment.model.requests.length;
    for (const [body, param, status = 400] of refusals) {
      const reply = await call<{ error: object }>(url, 'POST', '/v1/responses', { model, ...body });
      expect([body, reply.status, reply.body.error]).toEqual([
        body,
        status,
        expect.objectContaining({ type: 'invalid_request_error', param, code: expect.any(String) }),
      ]);
    }
    expect(deployment.model.requests).toHaveLength(before);
  },
);
