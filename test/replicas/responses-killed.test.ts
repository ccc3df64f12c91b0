import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import { beforeAll, expect } from 'vitest';
import { textDeltas } from '../../testkit/model/scripted-model.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { openai } from '../support/openai-client.ts';
import { processPromise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1, { TURN_MAX_ATTEMPTS: '3' });
});

processPromise(
  'responses.killed',
  'when the replica is killed in mid-answer, a background response is read on elsewhere: what was said ends incomplete, and another item has the answer',
  async () => {
    const gate = deployment.model.gate();
    let calls = 0;
    deployment.model.reply(() => {
      calls += 1;
      return calls === 1 ? [{ delta: 'half' }, { wait: gate }] : textDeltas('a whole answer');
    });
    const survivor = replicaOf(deployment, 0);
    const dying = await deployment.another();
    const asked = { model: 'scripted', input: 'hello', background: true, stream: true } as const;
    const seen: ResponseStreamEvent[] = [];
    const reading = (async () => {
      for await (const event of await openai(dying).responses.create(asked)) seen.push(event);
    })().catch((error: unknown) => error);
    const has = (type: ResponseStreamEvent['type']) => seen.some((event) => event.type === type);
    await waitFor(() => has('response.output_text.delta'), { what: 'half of the answer' });
    await dying.kill();
    await reading;
    const [created] = seen;
    if (created?.type !== 'response.created') throw new Error('the first frame creates the response');
    const last = seen.at(-1)?.sequence_number ?? -1;
    const { id } = created.response;
    const rest: ResponseStreamEvent[] = [];
    const resumed = await openai(survivor).responses.retrieve(id, { stream: true, starting_after: last });
    for await (const event of resumed) rest.push(event);
    expect(rest.map(({ sequence_number }) => sequence_number)).toEqual(
      rest.map((_, index) => last + 1 + index),
    );
    const items = rest.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item] : []));
    expect(items).toMatchObject([
      { type: 'message', status: 'incomplete', content: [{ text: 'half' }] },
      { type: 'message', status: 'completed', content: [{ text: 'a whole answer' }] },
    ]);
    expect(rest.at(-1)).toMatchObject({ type: 'response.completed', response: { id, status: 'completed' } });
    expect((await openai(survivor).responses.retrieve(id)).output_text).toContain('a whole answer');
  },
);
