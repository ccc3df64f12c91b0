import { afterAll, beforeAll, expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  follow,
  historyOf,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { processPromise, promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MAX_MESSAGE_BYTES: '40' });
});
afterAll(() => deployment.model.close());

/** The first call says one piece and stops at a gate; later calls echo. */
function gatedOnce() {
  const gate = deployment.model.gate();
  let calls = 0;
  deployment.model.reply((request) => {
    calls += 1;
    return calls === 1 ? [{ delta: 'begun' }, { wait: gate }, { delta: ' ended' }] : echo(request);
  });
  return gate;
}

/** A running turn whose first piece is out, on replica 0. */
async function running(conversationId: string) {
  const gate = gatedOnce();
  const reader = await say(replicaOf(deployment, 0), conversationId, 'first');
  await gate.reached;
  await reader.until('delta');
  return { gate, reader };
}

promise(
  'busy.interrupt',
  'interrupt stops the running turn, keeps its answer so far, and runs before the waiting turns',
  async () => {
    const { reader } = await running('interrupt');
    const b = replicaOf(deployment, 1);
    const waiting = await say(b, 'interrupt', 'waiting');
    await waiting.until('queued');
    const interrupting = await say(b, 'interrupt', 'urgent', { onBusy: 'interrupt' });
    expect((await reader.all()).at(-1)).toMatchObject({ event: 'cancelled', data: { kept: true } });
    expect((await interrupting.all()).at(-1)?.event).toBe('done');
    expect((await waiting.all()).at(-1)?.event).toBe('done');
    expect(await historyOf(b, 'interrupt')).toEqual([
      'user: first',
      'assistant: begun [truncated]',
      'user: urgent',
      'assistant: echo:urgent',
      'user: waiting',
      'assistant: echo:waiting',
    ]);
  },
);

promise(
  'busy.interrupt.before-first-token',
  'a turn interrupted before its first token keeps its user message',
  async () => {
    const gate = deployment.model.gate();
    let calls = 0;
    deployment.model.reply((request) => {
      calls += 1;
      return calls === 1 ? [{ wait: gate }] : echo(request);
    });
    const first = await say(replicaOf(deployment, 0), 'interrupt-early', 'first');
    await gate.reached;
    const second = await say(replicaOf(deployment, 1), 'interrupt-early', 'second', { onBusy: 'interrupt' });
    await first.all();
    await second.all();
    expect(await historyOf(replicaOf(deployment, 0), 'interrupt-early')).toEqual([
      'user: first',
      'user: second',
      'assistant: echo:second',
    ]);
  },
);

promise('busy.rollback', 'rollback stops the running turn and stores nothing of it', async () => {
  const { reader } = await running('rollback');
  const b = replicaOf(deployment, 1);
  const second = await chat(b, 'rollback', 'instead', { onBusy: 'rollback' });
  expect((await reader.all()).at(-1)).toMatchObject({
    event: 'cancelled',
    data: { kept: false, message_count: 0 },
  });
  expect(second.body).toMatchObject({ reply: 'echo:instead', message_count: 2 });
  expect(await historyOf(b, 'rollback')).toEqual(['user: instead', 'assistant: echo:instead']);
  expect((await turnOf(b, 'rollback', turnIdOf(reader))).status).toBe('cancelled');
});

processPromise('busy.interrupt.later-first', 'of two interrupts the later one runs first', async () => {
  const { reader } = await running('two-interrupts');
  const a = replicaOf(deployment, 0);
  // The running turn is frozen while it stops, until both are queued: neither replica is notified.
  const frozen = await deployment.another();
  const gate = gatedOnce();
  const slow = await say(frozen, 'two-interrupts-2', 'first');
  await gate.reached;
  frozen.pause();
  const early = await say(a, 'two-interrupts-2', 'early', { onBusy: 'interrupt' });
  await early.until('queued');
  const late = await say(a, 'two-interrupts-2', 'late', { onBusy: 'interrupt' });
  await late.until('queued');
  await Promise.all([early.all(15_000), late.all(15_000)]);
  const history = await historyOf(a, 'two-interrupts-2');
  expect(history.filter((line) => line.startsWith('user'))).toEqual([
    'user: first',
    'user: late',
    'user: early',
  ]);
  await frozen.kill();
  slow.destroy();
  reader.destroy();
});

promise(
  'busy.coalesce',
  'coalesce joins the last waiting turn: one answer, the same for every caller, on any replica',
  async () => {
    const { gate, reader } = await running('coalesce');
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const second = await say(a, 'coalesce', 'second', { onBusy: 'coalesce' });
    await second.until('queued');
    const third = await say(b, 'coalesce', 'third', { onBusy: 'coalesce' });
    expect(turnIdOf(third)).toBe(turnIdOf(second));
    const tooMuch = await chat(b, 'coalesce', 'x'.repeat(35), { onBusy: 'coalesce' });
    expect(tooMuch).toMatchObject({ status: 413, body: { error: { code: 'too_large' } } });
    const json = chat(a, 'coalesce', 'fourth', { onBusy: 'coalesce' });
    await waitFor(
      async () =>
        (await deployment.redis.ask('HGET', `turnwise:{-/coalesce}:turn:${turnIdOf(second)}`, 'joined')) ===
        '2',
      { timeoutMs: 2000, what: 'two joiners' },
    );
    const callsBefore = deployment.model.requests.length;
    gate.open();
    await reader.all();
    expect((await second.all()).at(-1)).toMatchObject({ event: 'done' });
    expect((await third.all()).at(-1)).toMatchObject({ event: 'done' });
    expect(third.text()).toBe(second.text());
    expect((await json).body).toMatchObject({ reply: second.text(), turn_id: turnIdOf(second) });
    expect(deployment.model.requests.length).toBe(callsBefore + 1);
    expect(deployment.model.requests.at(-1)?.messages.slice(-3)).toEqual(
      ['second', 'third', 'fourth'].map((content) => ({ role: 'user', content })),
    );
    expect(await historyOf(b, 'coalesce')).toEqual([
      'user: first',
      'assistant: begun ended',
      'user: second',
      'user: third',
      'user: fourth',
      'assistant: echo:fourth',
    ]);
  },
);

promise(
  'busy.coalesce.images',
  'messages that join count by their text: an image of any size joins, and is joined',
  async () => {
    const { gate, reader } = await running('pictures');
    const { url } = replicaOf(deployment, 0);
    const send = (message: unknown) =>
      call<{ turn_id: string }>(url, 'POST', '/api/chat', {
        conversation_id: 'pictures',
        on_busy: 'coalesce',
        message,
      });
    const picture = { type: 'image', image_url: `data:image/png;base64,${'A'.repeat(1000)}` };
    const joined = async (count: number) => {
      const queue = (await deployment.redis.ask('ZRANGE', 'turnwise:{-/pictures}:queue', 0, 0)) as string[];
      const record = `turnwise:{-/pictures}:turn:${queue[0]?.split('/')[0]}`;
      return queue.length === 1 && (await deployment.redis.ask('HGET', record, 'joined')) === String(count);
    };
    const second = send([picture, { type: 'text', text: 'look' }]);
    await waitFor(async () => (await deployment.redis.ask('ZCARD', 'turnwise:{-/pictures}:queue')) === 1, {
      what: 'the picture to wait',
    });
    const third = send('and?');
    await waitFor(() => joined(1), { what: 'a text to join the picture' });
    const fourth = send([picture]);
    await waitFor(() => joined(2), { what: 'a picture to join both' });
    gate.open();
    await reader.all();
    const answers = await Promise.all([second, third, fourth]);
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.turn_id}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
  },
);

promise(
  'busy.coalesce.cancel',
  'cancelling a coalesced turn ends it for every caller that joined',
  async () => {
    const { gate, reader } = await running('coalesce-cancel');
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const second = await say(a, 'coalesce-cancel', 'second', { onBusy: 'coalesce' });
    await second.until('queued');
    const third = await say(b, 'coalesce-cancel', 'third', { onBusy: 'coalesce' });
    const answer = await call(b.url, 'POST', `/api/sessions/coalesce-cancel/turns/${turnIdOf(third)}/cancel`);
    expect(answer.body).toMatchObject({ status: 'cancelled', kept: false });
    expect((await second.all()).at(-1)?.event).toBe('cancelled');
    expect((await third.all()).at(-1)?.event).toBe('cancelled');
    gate.open();
    expect((await reader.all()).at(-1)?.event).toBe('done');
    expect(await historyOf(a, 'coalesce-cancel')).toHaveLength(2);
  },
);

promise('busy.coalesce.alone', 'coalesce waits like enqueue when no turn is waiting', async () => {
  const { gate, reader } = await running('coalesce-alone');
  const second = await say(replicaOf(deployment, 1), 'coalesce-alone', 'second', { onBusy: 'coalesce' });
  await second.until('queued');
  expect(turnIdOf(second)).not.toBe(turnIdOf(reader));
  gate.open();
  expect((await second.all()).at(-1)?.event).toBe('done');
});

promise(
  'busy.position',
  'the stream of a waiting turn gets its position as the turns ahead end',
  async () => {
    const { gate } = await running('position');
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const second = await say(a, 'position', 'second');
    expect((await second.until('queued')).data.position).toBe(1);
    const third = await say(b, 'position', 'third');
    expect((await third.until('queued')).data.position).toBe(2);
    await call(a.url, 'POST', `/api/sessions/position/turns/${turnIdOf(second)}/cancel`);
    expect((await third.until('queued', 2500)).data.position).toBe(1);
    const viewer = await follow(a, 'position', turnIdOf(third));
    await viewer.until('queued');
    await viewer.until('queued');
    gate.open();
    expect((await viewer.all()).at(-1)?.event).toBe('done');
    expect((await third.all()).map((event) => event.event)).toEqual(
      viewer.events.map((event) => event.event),
    );
  },
);
