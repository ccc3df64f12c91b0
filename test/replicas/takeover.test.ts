import { afterAll, beforeAll, expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { textDeltas } from '../../testkit/model/scripted-model.ts';
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
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1);
});
afterAll(() => deployment.model.close());

/** A model that says half of its answer and stops at a gate the first `gated` times, then says all. */
function halfThenGate(gated = 1) {
  const gates = Array.from({ length: gated }, () => deployment.model.gate());
  let calls = 0;
  deployment.model.reply((request) => {
    const gate = gates[calls];
    calls += 1;
    const said = request.messages.at(-1)?.content ?? '';
    return gate === undefined
      ? textDeltas(`whole answer to ${said}`)
      : [{ delta: 'half of ' }, { delta: 'an answer' }, { wait: gate }, { delta: ' never seen' }];
  });
  return { gates, calls: () => calls };
}

promise(
  'takeover.kill.reader-sees-it-go-on',
  'a reader on another replica sees a killed turn restart and complete',
  async () => {
    const { gates, calls } = halfThenGate();
    const dying = await deployment.another();
    const survivor = replicaOf(deployment, 0);
    const own = await say(dying, 'killed', 'hello');
    await own.until('started');
    const reader = await follow(survivor, 'killed', turnIdOf(own));
    await reader.until('delta');
    await gates[0]?.reached;
    const killedAt = performance.now();
    await dying.kill();
    const events = await reader.all(10_000);
    expect(performance.now() - killedAt).toBeLessThan(1000 + 5000);
    const names = events.map((event) => event.event);
    expect(names.filter((name) => name === 'restarted')).toHaveLength(1);
    const after = events.slice(names.indexOf('restarted') + 1);
    expect(after.map((event) => event.data.content ?? '').join('')).toBe('whole answer to hello');
    expect(names.at(-1)).toBe('done');
    expect(await historyOf(survivor, 'killed')).toEqual(['user: hello', 'assistant: whole answer to hello']);
    expect(calls()).toBe(2);
    expect((await turnOf(survivor, 'killed', turnIdOf(own))).attempt).toBe(2);
  },
);

promise('takeover.kill.nobody-watches', 'a killed turn is taken over even without a reader', async () => {
  const { gates, calls } = halfThenGate();
  const dying = await deployment.another();
  const survivor = replicaOf(deployment, 0);
  const own = await say(dying, 'alone', 'hello');
  await gates[0]?.reached;
  await dying.kill();
  await waitFor(async () => (await turnOf(survivor, 'alone', turnIdOf(own))).status === 'completed', {
    timeoutMs: 6000,
    what: 'the turn to be completed elsewhere',
  });
  expect(await historyOf(survivor, 'alone')).toHaveLength(2);
  expect(calls()).toBe(2);
});

promise(
  'takeover.kill.order-behind-it',
  'turns behind a killed one keep their order, also those that waited on the dead replica',
  async () => {
    const { gates } = halfThenGate();
    const dying = await deployment.another();
    const survivor = replicaOf(deployment, 0);
    const first = await say(dying, 'line', 'one');
    await gates[0]?.reached;
    const second = await say(dying, 'line', 'two');
    const third = await say(survivor, 'line', 'three');
    await third.until('queued');
    await dying.kill();
    expect((await third.all(12_000)).at(-1)?.event).toBe('done');
    expect((await turnOf(survivor, 'line', turnIdOf(first))).status).toBe('completed');
    expect((await turnOf(survivor, 'line', turnIdOf(second))).attempt).toBe(1);
    expect(await historyOf(survivor, 'line')).toEqual(
      ['one', 'two', 'three'].flatMap((said) => [`user: ${said}`, `assistant: whole answer to ${said}`]),
    );
  },
);

promise(
  'takeover.kill.twice',
  'a turn whose second replica dies too fails as attempts_exhausted, and its readers see the error',
  async () => {
    const { gates, calls } = halfThenGate(2);
    const survivor = replicaOf(deployment, 0);
    const dying = await deployment.another();
    const own = await say(dying, 'twice', 'hello');
    await gates[0]?.reached;
    // The survivor is paused, so that the second death is another replica's.
    const second = await deployment.another();
    survivor.pause();
    await dying.kill();
    await gates[1]?.reached;
    await second.kill();
    survivor.resume();
    const reader = await follow(survivor, 'twice', turnIdOf(own));
    const last = (await reader.all(10_000)).at(-1);
    expect(last?.event).toBe('error');
    expect(last?.data.code).toBe('attempts_exhausted');
    expect((await turnOf(survivor, 'twice', turnIdOf(own))).status).toBe('failed');
    expect(await historyOf(survivor, 'twice')).toEqual([]);
    expect(calls()).toBe(2);
    const next = await say(survivor, 'twice', 'again');
    expect((await next.all()).at(-1)?.event).toBe('done');
  },
  40_000,
);

promise(
  'takeover.kill.progress',
  'a turn whose replicas die one after the other continues as long as each attempt gets further than the last',
  async () => {
    const pieces = ['a', 'b', 'c', 'd'];
    const gates = pieces.map(() => deployment.model.gate());
    let calls = 0;
    deployment.model.reply(() => {
      const [gate, said] = [gates[calls], pieces.slice(0, calls + 1)];
      calls += 1;
      const deltas = (gate === undefined ? [...pieces, 'e'] : said).map((delta) => ({ delta }));
      return gate === undefined ? deltas : [...deltas, { wait: gate }];
    });
    const survivor = replicaOf(deployment, 0);
    let dying = await deployment.another();
    const own = await say(dying, 'further', 'hello');
    survivor.pause();
    for (const [index, gate] of gates.entries()) {
      await gate.reached;
      // The last text must be logged: progress is measured by the log.
      await untilLogged('further', turnIdOf(own), index + 1);
      const next = index < gates.length - 1 ? await deployment.another() : null;
      if (next === null) survivor.resume();
      await dying.kill();
      if (next !== null) dying = next;
    }
    const reader = await follow(survivor, 'further', turnIdOf(own));
    expect((await reader.all(15_000)).at(-1)?.event).toBe('done');
    expect(await historyOf(survivor, 'further')).toEqual(['user: hello', 'assistant: abcde']);
    expect(calls).toBe(pieces.length + 1);
  },
  60_000,
);

/** Waits until the log of a turn has this many characters of its current attempt. */
async function untilLogged(conversationId: string, turnId: string, characters: number): Promise<void> {
  const key = `turnwise:{-/${conversationId}}:log:${turnId}`;
  const isThere = async () => {
    const [last] = (await deployment.redis.ask('XREVRANGE', key, '+', '-', 'COUNT', 1)) as [
      string,
      string[],
    ][];
    return Number(last?.[1][3] ?? 0) >= characters;
  };
  await waitFor(isThere, { timeoutMs: 10_000, what: `${characters} characters in the log` });
}

promise(
  'takeover.total-time',
  'a turn fails as attempts_exhausted when its attempts have run for TURN_MAX_TOTAL_SECONDS in total, however far they got',
  async () => {
    let calls = 0;
    deployment.model.reply(async function* () {
      calls += 1;
      for (;;) yield* [{ delta: 'x'.repeat(calls) }, { delayMs: 50 }];
    });
    const env = { TURN_MAX_TOTAL_SECONDS: '4' };
    const [dying, survivor] = [await deployment.another(env), await deployment.another(env)];
    const since = performance.now();
    replicaOf(deployment, 0).pause();
    const own = await say(dying, 'total', 'hello');
    await untilLogged('total', turnIdOf(own), 50);
    await dying.kill();
    const reader = await follow(survivor, 'total', turnIdOf(own));
    const events = await reader.all(15_000);
    const last = events.at(-1);
    replicaOf(deployment, 0).resume();
    // Less time was left than had passed.
    const pieces = events.filter(({ event }) => event === 'delta').map(({ data }) => data.content);
    const [first, second] = ['x', 'xx'].map((piece) => pieces.filter((content) => content === piece).length);
    expect(second).toBeLessThan(first ?? 0);
    expect(last?.data).toMatchObject({ code: 'attempts_exhausted', retryable: false });
    expect(performance.now() - since).toBeGreaterThan(4000);
    expect([calls, await historyOf(survivor, 'total')]).toEqual([2, []]);
  },
  40_000,
);

promise(
  'sleeper.writes-nothing',
  'a replica that slept past its lease writes nothing, and its own client gets the true answer',
  async () => {
    const { gates } = halfThenGate();
    const sleeper = await deployment.another();
    const survivor = replicaOf(deployment, 0);
    const own = await say(sleeper, 'asleep', 'hello');
    await own.until('delta');
    await gates[0]?.reached;
    sleeper.pause();
    gates[0]?.open();
    await waitFor(async () => (await turnOf(survivor, 'asleep', turnIdOf(own))).status === 'completed', {
      timeoutMs: 6000,
      what: 'the turn to be completed elsewhere',
    });
    const before = await call(survivor.url, 'GET', '/api/sessions/asleep');
    sleeper.resume();
    const events = await own.all(10_000);
    const restarted = events.findIndex((event) => event.event === 'restarted');
    expect(restarted).toBeGreaterThan(0);
    const text = events.slice(restarted + 1).map((event) => event.data.content ?? '');
    expect(text.join('')).toBe('whole answer to hello');
    expect(events.at(-1)?.event).toBe('done');
    expect(await historyOf(survivor, 'asleep')).toEqual(['user: hello', 'assistant: whole answer to hello']);
    expect((await call(survivor.url, 'GET', '/api/sessions/asleep')).body).toEqual(before.body);
    const log = await (await follow(survivor, 'asleep', turnIdOf(own))).all();
    expect(log.map((event) => event.data.content ?? '').join('')).not.toContain('never seen');
    await sleeper.kill();
  },
);
