import { beforeAll, beforeEach, expect } from 'vitest';
import { type ChatBody, chat } from '../../testkit/http/http.ts';
import { echo, type ModelRequest } from '../../testkit/model/scripted-model.ts';
import { saidIn } from '../../testkit/server/api.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

const replicaCount = 4;
let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(replicaCount, { QUEUE_MAX: '400', LOCK_TTL_MS: '10000' });
});
beforeEach(() => deployment.model.reply(echo));

/** The replica at an index, modulo their number. */
const at = (place: number) => replicaOf(deployment, place % replicaCount);

const lastSaid = (request: ModelRequest) => request.messages.at(-1)?.content ?? '';

/** The model stops at a gate for this message, and echoes everything else. */
function holdAt(...messages: string[]) {
  const gate = deployment.model.gate();
  deployment.model.reply((request) =>
    messages.includes(lastSaid(request)) ? [{ wait: gate }, ...echo(request)] : echo(request),
  );
  return gate;
}

promise(
  'order.two-hundred',
  'two hundred turns of one session on four replicas run in the order of admission, each with all turns before it',
  async () => {
    const gate = holdAt('turn 0');
    const [before, count] = [deployment.model.requests.length, 200];
    const streams = [];
    for (let index = 0; index < count; index += 1) {
      // Resolves with the headers, when the turn is admitted: the next one is certainly later.
      const stream = await say(at(index), 'line', `turn ${index}`);
      expect(stream.status).toBe(200);
      streams.push(stream);
    }
    gate.open();
    for (const [index, stream] of streams.entries()) {
      const [first] = await stream.all();
      expect(stream.text()).toBe(`echo:turn ${index}`);
      expect(stream.events.at(-1)?.data).toMatchObject({ message_count: 2 * (index + 1) });
      expect(first).toMatchObject(
        index === 0 ? { event: 'started' } : { event: 'queued', data: { position: index } },
      );
    }
    const expected = streams.flatMap((_, index) => [`turn ${index}`, `echo:turn ${index}`]);
    expect(await saidIn(at(1), 'line')).toEqual(expected);
    const asked = deployment.model.requests.slice(before);
    expect(asked).toHaveLength(count);
    for (const [index, { messages }] of asked.entries()) {
      expect(messages.map(({ content }) => content)).toEqual(expected.slice(0, 2 * index + 1));
    }
  },
  60_000,
);

promise(
  'order.woken',
  'a waiting turn is woken on whichever replica it waits: the median hand-off is far below a poll',
  async () => {
    const gate = holdAt('hand-off 0');
    const before = deployment.model.requests.length;
    const ends: number[] = [];
    const streams = [];
    for (let index = 0; index < 16; index += 1) {
      streams.push(await say(at(index), 'hand-off', `hand-off ${index}`));
    }
    gate.open();
    for (const stream of streams) {
      await stream.until('done', 20_000);
      ends.push(performance.now());
    }
    const starts = deployment.model.requests.slice(before).map((request) => request.at);
    // From the client's `done` to the next model call; the client may receive it after that call.
    const handOffs = starts.slice(1).map((start, index) => Math.max(0, start - (ends[index] ?? 0)));
    const gaps = starts.slice(2).map((start, index) => start - (starts[index + 1] ?? 0));
    const median = (list: number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
    console.info(
      `hand-off: median ${median(handOffs).toFixed(1)} ms from done to the next call of the model, ` +
        `${median(gaps).toFixed(1)} ms from call to call`,
    );
    expect(median(gaps)).toBeLessThan(250);
  },
  60_000,
);

promise(
  'order.sessions-parallel',
  'sessions never wait for each other: forty turns of forty sessions call the model at once',
  async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `parallel${index}`);
    const gate = holdAt(...ids);
    const before = deployment.model.requests.length;
    const answers = ids.map((id, index) => chat(at(index), id, id));
    await waitFor(() => deployment.model.requests.length === before + ids.length, {
      what: 'forty concurrent model calls',
    });
    const quick = await chat(at(0), 'quick', 'not held');
    expect(quick.body.reply).toBe('echo:not held');
    gate.open();
    expect((await Promise.all(answers)).map(({ body }) => body.reply)).toEqual(ids.map((id) => `echo:${id}`));
  },
);

promise(
  'order.reject',
  'on_busy reject replies 409 with the turn in the way, its URL, and how many are ahead',
  async () => {
    const gate = holdAt('long');
    const running = await say(at(0), 'busy', 'long');
    await gate.reached;
    const turn_id = turnIdOf(running);
    const stream_url = `/api/sessions/busy/turns/${turn_id}/stream`;
    const refused = await chat(at(1), 'busy', 'refuse me', { onBusy: 'reject' });
    expect(refused).toMatchObject({
      status: 409,
      body: { error: { code: 'session_busy', turn_id, stream_url, position: 1 } },
    });
    const waiting = await say(at(2), 'busy', 'waits');
    await waiting.until('queued');
    const again = await say(at(3), 'busy', 'refuse me', { onBusy: 'reject' });
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({
      error: { code: 'session_busy', turn_id, stream_url, position: 2 },
    });
    gate.open();
    await waiting.all();
    const free = await chat(at(1), 'busy', 'now', { onBusy: 'reject' });
    expect(free.status).toBe(200);
    expect(await saidIn(at(1), 'busy')).toEqual([
      ...['long', 'echo:long', 'waits', 'echo:waits'],
      ...['now', 'echo:now'],
    ]);
  },
);

promise(
  'order.queue-full',
  'one more than QUEUE_MAX waiting turns is 429 queue_full with Retry-After; the running turn does not count',
  async () => {
    const small = await deployment.another({ QUEUE_MAX: '2', KEY_PREFIX: 'small' });
    const gate = holdAt('first');
    const answers = [chat(small, 'full', 'first')];
    await gate.reached;
    for (const message of ['second', 'third']) {
      const stream = await say(small, 'full', message);
      await stream.until('queued');
      answers.push(stream.all().then(() => ({ status: 200, headers: {}, body: {} as ChatBody })));
    }
    const refusedJson = await chat(small, 'full', 'fourth');
    expect(refusedJson).toMatchObject({ status: 429, body: { error: { code: 'queue_full' } } });
    expect(Number(refusedJson.headers['retry-after'])).toBeGreaterThan(0);
    const refusedStream = await say(small, 'full', 'fourth');
    expect(refusedStream.status).toBe(429);
    expect((await chat(small, 'another', 'fourth')).status).toBe(200);
    gate.open();
    await Promise.all(answers);
    expect(await saidIn(small, 'full')).toEqual(
      ['first', 'second', 'third'].flatMap((said) => [said, `echo:${said}`]),
    );
  },
);

/** A replica that gives up waiting turns after a second, in its own deployment. */
let impatient: Promise<Replica> | undefined;
function impatientReplica(): Promise<Replica> {
  impatient ??= deployment.another({
    QUEUE_WAIT_SECONDS: '1',
    ON_DISCONNECT: 'cancel',
    KEY_PREFIX: 'impatient',
  });
  return impatient;
}

promise(
  'order.queue-timeout',
  'a turn that waited QUEUE_WAIT_SECONDS ends with queue_timeout, 503 as JSON, and nothing of it is stored',
  async () => {
    const replica = await impatientReplica();
    const gate = holdAt('slow');
    const slow = await say(replica, 'slow', 'slow');
    await gate.reached;
    const json = chat(replica, 'slow', 'too late');
    const stream = await say(replica, 'slow', 'also too late');
    const answer = await json;
    expect(answer).toMatchObject({ status: 503, body: { error: { code: 'queue_timeout' } } });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect((await stream.all()).at(-1)).toMatchObject({
      event: 'error',
      data: { code: 'queue_timeout', retryable: true, turn_id: turnIdOf(stream), session_id: 'slow' },
    });
    expect(await turnOf(replica, 'slow', turnIdOf(stream))).toMatchObject({
      status: 'failed',
      error: { code: 'queue_timeout' },
    });
    gate.open();
    expect((await slow.all()).at(-1)?.event).toBe('done');
    expect(await saidIn(replica, 'slow')).toEqual(['slow', 'echo:slow']);
  },
);

promise(
  'order.waiting-client-leaves',
  'a waiting turn whose client disconnected runs in its place, or never with ON_DISCONNECT=cancel',
  async () => {
    for (const [replica, isKept] of [
      [at(0), true],
      [await impatientReplica(), false],
    ] as const) {
      const gate = holdAt('ahead');
      const ahead = await say(replica, 'leaves', 'ahead');
      await gate.reached;
      const leaving = await say(replica, 'leaves', 'leaving');
      await leaving.until('queued');
      leaving.destroy();
      const turnId = turnIdOf(leaving);
      if (!isKept) {
        const isCancelled = async () => (await turnOf(replica, 'leaves', turnId)).status === 'cancelled';
        await waitFor(isCancelled, { what: 'the abandoned turn to be cancelled' });
      }
      const behind = chat(replica, 'leaves', 'behind');
      gate.open();
      expect((await behind).status).toBe(200);
      await ahead.all();
      expect(await saidIn(replica, 'leaves')).toEqual(
        ['ahead', ...(isKept ? ['leaving'] : []), 'behind'].flatMap((said) => [said, `echo:${said}`]),
      );
    }
  },
);
