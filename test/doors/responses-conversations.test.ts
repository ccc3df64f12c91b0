import { beforeAll, beforeEach, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';
import { callTools, clientOf, model, weatherTool } from './responses-support.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MODEL_MAX_RETRIES: '0' });
});
beforeEach(() => deployment.model.reply(echo));

const one = () => clientOf(replicaOf(deployment, 0));
const two = () => clientOf(replicaOf(deployment, 1));
const user = (content: string) => ({ type: 'message', role: 'user', content }) as const;

promise(
  'conversations.life',
  'a conversation is created with metadata, looked up, changed, listed and deleted, on any replica',
  async () => {
    const created = await one().conversations.create({ metadata: { topic: 'tea' } });
    expect(created).toMatchObject({ object: 'conversation', metadata: { topic: 'tea' } });
    expect(created.id).toMatch(/^conv_[0-9a-f]{32}$/);
    expect(await two().conversations.retrieve(created.id)).toEqual(created);
    const changed = await two().conversations.update(created.id, { metadata: { topic: 'coffee' } });
    expect(changed).toEqual({ ...created, metadata: { topic: 'coffee' } });
    expect(await two().conversations.delete(created.id)).toEqual({
      id: created.id,
      object: 'conversation.deleted',
      deleted: true,
    });
    for (const asked of [
      () => one().conversations.retrieve(created.id),
      () => one().conversations.update(created.id, { metadata: {} }),
      () => one().conversations.delete(created.id),
      () => one().conversations.items.list(created.id),
      () => one().conversations.items.create(created.id, { items: [user('x')] }),
      () => one().conversations.retrieve('not/an/id'),
    ]) {
      await expect(asked()).rejects.toMatchObject({ status: 404 });
    }
  },
);

promise(
  'conversations.list',
  'conversations are listed in pages, the newest first or the oldest',
  async () => {
    interface List {
      readonly data: readonly { readonly id: string }[];
      readonly has_more: boolean;
      readonly last_id: string | null;
    }
    const { url } = replicaOf(deployment, 1);
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) ids.push((await one().conversations.create()).id);
    const read = async (order: string) => {
      const found: string[] = [];
      for (let after = ''; ; ) {
        const path = `/v1/conversations?limit=2&order=${order}${after && `&after=${after}`}`;
        const { body } = await call<List>(url, 'GET', path);
        found.push(...body.data.map(({ id }) => id));
        if (!body.has_more) return found;
        after = body.last_id ?? '';
      }
    };
    const [newest, oldest] = [await read('desc'), await read('asc')];
    expect(newest.toReversed()).toEqual(oldest);
    expect(oldest.filter((id) => ids.includes(id)).toSorted()).toEqual(ids.toSorted());
    expect(await call(url, 'GET', '/v1/conversations?limit=0')).toMatchObject({ status: 400 });
    expect(await call(url, 'GET', '/v1/conversations?after=nobody')).toMatchObject({ status: 404 });
  },
);

promise(
  'conversations.items',
  'items are added without the model, listed page by page in both orders by the SDK, and looked up',
  async () => {
    const { id } = await one().conversations.create({ items: [user('first')] });
    const added = await two().conversations.items.create(id, {
      items: [
        {
          type: 'message',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'second', annotations: [] }],
        } as never,
        {
          type: 'message',
          role: 'user',
          content: [{ type: 'input_image', image_url: 'https://a.example/i.png', detail: 'auto' }],
        },
      ],
    });
    expect(added.data).toMatchObject([
      { role: 'assistant', content: [{ type: 'output_text', text: 'second' }] },
      { role: 'user', content: [{ type: 'input_image', image_url: 'https://a.example/i.png' }] },
    ]);
    expect(deployment.model.requests).toHaveLength(0);
    await one().responses.create({ model, input: 'third', conversation: id });
    const read = async (order: 'asc' | 'desc') => {
      const ids: string[] = [];
      for await (const item of two().conversations.items.list(id, { limit: 2, order }))
        ids.push(item.id ?? '');
      return ids;
    };
    const oldest = await read('asc');
    expect(oldest).toHaveLength(5);
    expect((await read('desc')).toReversed()).toEqual(oldest);
    const item = await one().conversations.items.retrieve(oldest[4] ?? '', { conversation_id: id });
    expect(item).toMatchObject({ type: 'message', status: 'completed', content: [{ text: 'echo:third' }] });
    const unknown = one().conversations.items.retrieve('msg_1-1-0', { conversation_id: id });
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'item_not_found' });
  },
);

promise(
  'conversations.items.same-ids',
  'the items of a response have the same ids in the conversation, calls and outputs included',
  async () => {
    const { id } = await one().conversations.create();
    deployment.model.reply(() => [
      { delta: 'Looking.' },
      ...callTools(
        { id: 'call_1', name: 'get_weather', arguments: '{}' },
        { id: 'call_2', name: 'get_weather', arguments: '{}' },
      ),
    ]);
    const response = await one().responses.create({
      model,
      input: 'weather?',
      conversation: id,
      tools: [weatherTool],
    });
    const items = await two().conversations.items.list(id, { order: 'asc' });
    expect(items.data.slice(1).map((item) => item.id)).toEqual(response.output.map((item) => item.id));
    expect(items.data.slice(1).map(({ type }) => type)).toEqual([
      'message',
      'function_call',
      'function_call',
    ]);
  },
);

promise(
  'conversations.items.delete',
  'an item is deleted with what cannot be without it; what would tear the history is refused',
  async () => {
    const { id } = await one().conversations.create();
    await one().responses.create({ model, input: 'one', conversation: id });
    await one().responses.create({ model, input: 'two', conversation: id });
    const items = (await two().conversations.items.list(id, { order: 'asc' })).data;
    const remove = (at: number) =>
      two().conversations.items.delete(items[at]?.id ?? '', { conversation_id: id });
    await expect(remove(0)).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining('question'),
    });
    expect(await remove(3)).toMatchObject({ id, object: 'conversation' });
    await expect(remove(3)).rejects.toMatchObject({ status: 404 });
    const left = await one().conversations.items.list(id, { order: 'asc' });
    expect(left.data.map((item) => item.id)).toEqual(items.slice(0, 3).map((item) => item.id));
  },
);
