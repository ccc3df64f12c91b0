import { beforeAll, beforeEach, expect } from 'vitest';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, historyOf, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';
import { allOf, callTools, clientOf, model, think, typesOf, weatherTool } from './responses-support.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MODEL_MAX_RETRIES: '0', TURN_LOG_TTL_SECONDS: '600' });
});
beforeEach(() => deployment.model.reply(echo));

const one = () => clientOf(replicaOf(deployment, 0));
const two = () => clientOf(replicaOf(deployment, 1));

async function ended(id: string) {
  await waitFor(
    async () => !['queued', 'in_progress'].includes((await two().responses.retrieve(id)).status ?? ''),
    {
      what: 'the response to end',
    },
  );
  return two().responses.retrieve(id);
}

promise(
  'responses.background',
  'a background response is answered at once, runs without its client, and can be retrieved from any replica',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const begun = await one().responses.create({
      model,
      input: 'later',
      background: true,
      metadata: { a: 'b' },
    });
    expect(begun).toMatchObject({ status: 'queued', background: true, output: [], usage: null });
    await gate.reached;
    const running = await two().responses.retrieve(begun.id);
    expect(running).toMatchObject({
      status: 'in_progress',
      created_at: begun.created_at,
      metadata: { a: 'b' },
    });
    gate.open();
    const response = await ended(begun.id);
    expect(response).toMatchObject({
      id: begun.id,
      status: 'completed',
      output_text: 'echo:later',
      background: true,
    });
    expect(response.completed_at).toBeGreaterThanOrEqual(response.created_at);
  },
);

promise(
  'responses.background.resume',
  'the stream of a background response goes on after any frame on another replica, byte for byte, while it runs and after',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [...think('hm'), { delta: 'one ' }, { wait: gate }, { delta: 'two' }]);
    const stream = await one().responses.create({ model, input: 'x', background: true, stream: true });
    const read: { sequence_number: number }[] = [];
    let id = '';
    for await (const event of stream) {
      read.push(event);
      if (event.type === 'response.created') id = event.response.id;
      if (event.type === 'response.output_text.delta') break;
    }
    const last = read.at(-1)?.sequence_number ?? 0;
    const rest = await two().responses.retrieve(id, { stream: true, starting_after: last });
    gate.open();
    read.push(...(await allOf(rest)));
    expect(read.map(({ sequence_number: number }) => number)).toEqual(read.map((_, index) => index));
    const whole = await allOf(await one().responses.retrieve(id, { stream: true }));
    // The times of the end are those of two clocks.
    const shown = (events: readonly object[]) => JSON.stringify(events).replaceAll(/"completed_at":\d+/g, '');
    expect(shown(read)).toBe(shown(whole));
    for (const after of [0, last, whole.length - 1]) {
      const tail = await two().responses.retrieve(id, { stream: true, starting_after: after });
      expect(await allOf(tail)).toEqual(whole.slice(after + 1));
    }
    const helped = await two().responses.stream({ response_id: id, starting_after: last }).finalResponse();
    expect(helped.output_text).toBe('one two');
  },
);

promise(
  'responses.foreground.no-resume',
  'a response that is not in the background has no stream to go on with, and is not to be cancelled',
  async () => {
    const { id } = await one().responses.create({ model, input: 'x' });
    await expect(two().responses.retrieve(id, { stream: true })).rejects.toMatchObject({ status: 404 });
    await expect(two().responses.cancel(id)).rejects.toMatchObject({ status: 400 });
    expect((await two().responses.retrieve(id)).output_text).toBe('echo:x');
  },
);

promise(
  'responses.cancel',
  'cancelling a background response from another replica stops its model, keeps what was said, and may be repeated',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }, { delta: 'more' }]);
    const stream = await one().responses.create({ model, input: 'x', background: true, stream: true });
    const events = [];
    let id = '';
    for await (const event of stream) {
      events.push(event);
      if (event.type === 'response.created') id = event.response.id;
      if (event.type !== 'response.output_text.delta') continue;
      expect(await two().responses.cancel(id)).toMatchObject({
        status: 'cancelled',
        output: [{ status: 'incomplete', content: [{ text: 'half' }] }],
      });
    }
    await deployment.model.requests.at(-1)?.whenAborted;
    gate.open();
    expect(typesOf(events).slice(-4)).toEqual([
      ...['output_text.done', 'content_part.done', 'output_item.done', 'incomplete'],
    ]);
    expect(events.at(-1)).toMatchObject({ response: { status: 'cancelled', incomplete_details: null } });
    expect(await one().responses.cancel(id)).toMatchObject({ status: 'cancelled' });
  },
);

promise(
  'responses.kept',
  'a response can be retrieved when its log is gone, with the same ids; deleted, it is gone, and the history is not',
  async () => {
    deployment.model.reply(() => callTools({ id: 'call_k', name: 'get_weather', arguments: '{}' }));
    const asked = { model, input: 'weather?', tools: [weatherTool], metadata: { k: 'v' } };
    const { data: response, response: reply } = await one().responses.create(asked).withResponse();
    const sessionId = reply.headers.get('x-session-id') ?? '';
    const turnId = reply.headers.get('x-turn-id') ?? '';
    const keys = ['turn', 'log'].map((kind) => `turnwise:{-/${sessionId}}:${kind}:${turnId}`);
    for (const key of keys) await deployment.redis.ask('DEL', key);
    const kept = await two().responses.retrieve(response.id);
    expect({ ...kept, completed_at: 0 }).toEqual({ ...response, completed_at: 0 });
    const inputs = await two().responses.inputItems.list(response.id);
    expect(inputs.data).toMatchObject([{ type: 'message', role: 'user', content: [{ type: 'input_text' }] }]);
    expect(await two().responses.delete(response.id)).toMatchObject({ id: response.id, deleted: true });
    await expect(one().responses.retrieve(response.id)).rejects.toMatchObject({ status: 404 });
    expect(await historyOf(replicaOf(deployment, 1), sessionId)).toEqual(['user: weather?', 'assistant: ']);
  },
);

promise('responses.delete', 'a response that was just given can be deleted as well', async () => {
  const { id } = await one().responses.create({ model, input: 'x' });
  await two().responses.delete(id);
  await expect(one().responses.retrieve(id)).rejects.toMatchObject({
    status: 404,
    code: 'response_not_found',
  });
});

promise(
  'responses.taken-over',
  'after a takeover the item in progress ends incomplete and another begins; the response has the new one alone',
  async () => {
    const gate = deployment.model.gate();
    let isHeld = true;
    deployment.model.reply(() => (isHeld ? [{ delta: 'half' }, { wait: gate }] : [{ delta: 'whole' }]));
    const leaving = await deployment.another({ SHUTDOWN_DELAY_SECONDS: '0', SHUTDOWN_GRACE_SECONDS: '0' });
    const stream = await clientOf(leaving).responses.create({
      model,
      input: 'x',
      background: true,
      stream: true,
    });
    let id = '';
    const reading = (async () => {
      for await (const event of stream) {
        if (event.type === 'response.created') id = event.response.id;
        if (event.type !== 'response.output_text.delta') continue;
        isHeld = false;
        leaving.term();
      }
    })();
    // The replica says that it cannot go on; the response does.
    await expect(reading).rejects.toMatchObject({ code: 'draining' });
    await leaving.exited;
    gate.open();
    const response = await ended(id);
    expect(response).toMatchObject({ output_text: 'whole', output: [{ status: 'completed' }] });
    const shown = [];
    for (const client of [one(), two()])
      shown.push(await allOf(await client.responses.retrieve(id, { stream: true })));
    expect(shown[0]).toEqual(shown[1]);
    const items = (shown[0] ?? []).flatMap((event) =>
      event.type === 'response.output_item.done' && event.item.type === 'message'
        ? [[event.output_index, event.item.status, event.item.id]]
        : [],
    );
    expect(items).toEqual([
      [0, 'incomplete', expect.any(String)],
      [1, 'completed', response.output[0]?.id],
    ]);
    expect(items[0]?.[2]).not.toBe(items[1]?.[2]);
    const helped = await two().responses.stream({ response_id: id }).finalResponse();
    expect(helped.output_text).toBe('whole');
  },
);
