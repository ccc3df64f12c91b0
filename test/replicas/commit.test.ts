import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import {
  type Deployment,
  follow,
  historyOf,
  replicaOf,
  say,
  startDeployment,
  startStore,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1, {}, startStore('restarts'));
});
afterAll(() => deployment.model.close());

promise(
  'commit.before-done',
  'done is sent only after the commit: with Redis frozen past the last token and the lease it waits, then arrives',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'said' }, { wait: gate }, { delta: ' all' }]);
    const replica = replicaOf(deployment, 0);
    const reader = await say(replica, 'frozen-commit', 'hello');
    await gate.reached;
    deployment.redis.pause();
    gate.open();
    await deployment.model.requests.at(-1)?.closed;
    // Longer than the lease of 1 s: no other replica took over, so the answer still counts.
    await sleep(1500);
    expect(reader.text()).toBe('said all');
    expect(reader.events.map((event) => event.event)).not.toContain('done');
    deployment.redis.resume();
    expect((await reader.all()).at(-1)).toMatchObject({ event: 'done', data: { message_count: 2 } });
    expect(await historyOf(replica, 'frozen-commit')).toEqual(['user: hello', 'assistant: said all']);
  },
);

promise(
  'commit.without-log',
  'a log that cannot be written never loses an answer: it is committed, acknowledged and readable',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'said' }, { wait: gate }, { delta: ' all' }]);
    const replica = replicaOf(deployment, 0);
    const reader = await say(replica, 'no-log', 'hello');
    await gate.reached;
    const key = `turnwise:{-/no-log}:log:${turnIdOf(reader)}`;
    await deployment.redis.ask('SET', key, 'not a stream');
    gate.open();
    expect((await reader.all()).at(-1)?.event).toBe('done');
    expect(await historyOf(replica, 'no-log')).toEqual(['user: hello', 'assistant: said all']);
    await deployment.redis.ask('DEL', key);
    const again = await (await follow(replica, 'no-log', turnIdOf(reader))).all();
    expect(again.at(-1)).toMatchObject({ event: 'done', data: { message_count: 2 } });
    expect(again.map((event) => event.data.content ?? '').join('')).toBe('said all');
  },
);
