import { afterAll, beforeAll, expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type RedisSentinel, startSentinel } from '../../testkit/redis/redis-sentinel.ts';
import {
  type Deployment,
  historyOf,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let sentinel: RedisSentinel;
let deployment: Deployment;

beforeAll(async () => {
  sentinel = await startSentinel();
  const env = { REDIS_SENTINELS: sentinel.addresses, REDIS_SENTINEL_NAME: sentinel.name };
  deployment = await startDeployment(2, {}, { redis: sentinel.firstPrimary, env });
});
afterAll(() => deployment.model.close());

/** The expected reply to each message, in turns one after the other. */
function isWhole(history: readonly string[]): boolean {
  return history.every((line, index) =>
    index % 2 === 0
      ? line.startsWith('user: ')
      : line === `assistant: echo:${history[index - 1]?.slice('user: '.length)}`,
  );
}

async function fenceOf(conversationId: string): Promise<number> {
  const primary = await sentinel.primary();
  return Number(await primary.ask('HGET', `turnwise:{-/${conversationId}}:meta`, 'fence'));
}

promise(
  'sentinel.takeover',
  'behind Sentinels conversations stay isolated on every replica, and the turn of a killed replica continues',
  async () => {
    const gate = deployment.model.gate();
    let calls = 0;
    deployment.model.reply((request) => {
      calls += 1;
      return calls === 1 ? [{ delta: 'half' }, { wait: gate }] : echo(request);
    });
    const dying = await deployment.another();
    const own = await say(dying, 'killed', 'hello');
    await gate.reached;
    await dying.kill();
    const survivor = replicaOf(deployment, 0);
    await waitFor(async () => (await turnOf(survivor, 'killed', turnIdOf(own))).status === 'completed', {
      timeoutMs: 6000,
      what: 'the turn to be completed elsewhere',
    });
    expect((await chat(replicaOf(deployment, 1), 'other', 'who')).body.message_count).toBe(2);
    expect(deployment.model.requests.at(-1)?.messages).toHaveLength(1);
    expect(await historyOf(survivor, 'killed')).toEqual(['user: hello', 'assistant: echo:hello']);
  },
);

promise(
  'failover.whole-and-in-order',
  'over a failover service recovers by itself, history stays whole turns in order, and the fence does not fall',
  async () => {
    deployment.model.reply(echo);
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    for (const message of ['one', 'two', 'three']) expect((await chat(a, 'over', message)).status).toBe(200);
    const before = await fenceOf('over');
    await sentinel.firstPrimary.kill();
    const refused = await chat(b, 'over', 'four');
    expect([200, 503]).toContain(refused.status);
    let said = 0;
    await waitFor(
      async () => {
        said += 1;
        return (await chat(b, 'over', `again ${said}`)).status === 200;
      },
      { timeoutMs: 20_000, what: 'a turn to be answered by the new primary' },
    );
    // Each replica finds the new primary by itself; turns refused until then must never run.
    await waitFor(async () => (await chat(a, 'over', 'last')).status === 200, {
      timeoutMs: 5000,
      what: 'the other replica to be back',
    });
    const history = await historyOf(a, 'over');
    expect(isWhole(history)).toBe(true);
    expect(history.filter((line) => /^user: (one|two|three|last)$/.test(line))).toEqual(
      ['one', 'two', 'three', 'last'].map((message) => `user: ${message}`),
    );
    expect(await historyOf(b, 'over')).toEqual(history);
    const { body } = await call<{ message_count: number }>(b.url, 'GET', '/api/sessions/over');
    expect(body.message_count).toBe(history.length);
    expect(await fenceOf('over')).toBeGreaterThan(before);
  },
  45_000,
);
