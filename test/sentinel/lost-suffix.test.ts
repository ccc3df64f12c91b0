import { expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { echo, type ModelRequest } from '../../testkit/model/scripted-model.ts';
import type { RedisServer } from '../../testkit/redis/redis.ts';
import { startSentinel } from '../../testkit/redis/redis-sentinel.ts';
import { getSession, saidIn } from '../../testkit/server/api.ts';
import { follow, replicaOf, say, startDeployment, turnIdOf } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { echoed, lastSaid } from '../support/shaky-replica.ts';
import { promise } from './promises.ts';

const key = (name: string) => `turnwise:{-/over}:${name}`;

const fenceAt = async (server: RedisServer) => Number(await server.ask('HGET', key('meta'), 'fence'));

promise(
  'failover.lost-suffix',
  'when a failover loses the last writes, no fence is reused, and turns that ran on the lost writes run again whole',
  async () => {
    const sentinel = await startSentinel();
    const { firstPrimary, firstSecondary } = sentinel;
    const env = { REDIS_SENTINELS: sentinel.addresses, REDIS_SENTINEL_NAME: sentinel.name };
    const deployment = await startDeployment(2, {}, { redis: firstPrimary, env });
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    await chat(a, 'over', 'before');
    await chat(b, 'over', 'known to both');
    const gates = new Map(['first', 'second'].map((message) => [message, deployment.model.gate()]));
    const asked = new Set<string>();
    deployment.model.reply((request: ModelRequest) => {
      const gate = asked.has(lastSaid(request)) ? undefined : gates.get(lastSaid(request));
      asked.add(lastSaid(request));
      // Readers see a piece of the answer that is then lost.
      return gate === undefined ? echo(request) : [{ delta: 'lost ' }, { wait: gate }, ...echo(request)];
    });
    const first = await say(a, 'over', 'first');
    await gates.get('first')?.reached;
    const second = await say(b, 'over', 'second');
    await second.until('queued');
    await waitFor(async () => (await firstSecondary.ask('ZCARD', key('queue'))) === 1, {
      what: 'the secondary to have both turns',
    });

    // From now on only the doomed primary gets writes: the first turn ends, the second is granted.
    firstSecondary.pause();
    await firstPrimary.ask('CLIENT', 'KILL', 'TYPE', 'replica');
    gates.get('first')?.open();
    expect((await first.all()).at(-1)?.event).toBe('done');
    await gates.get('second')?.reached;
    await second.until('delta');
    const lostFence = await fenceAt(firstPrimary);
    await firstPrimary.kill();
    const killedAt = performance.now();
    firstSecondary.resume();
    expect(await fenceAt(firstSecondary)).toBeLessThan(lostFence);
    await waitFor(async () => (await sentinel.primary()) === firstSecondary, {
      timeoutMs: 20_000,
      what: 'the secondary to be the primary',
    });
    const promotedAt = performance.now();
    // The replica that runs the second turn by the lost grant ends only now.
    gates.get('second')?.open();
    await waitFor(async () => (await saidIn(a, 'over')).length === 8, {
      timeoutMs: 20_000,
      what: 'both turns to be run again',
    });
    const settledAt = performance.now();
    expect(await saidIn(b, 'over')).toEqual(echoed('before', 'known to both', 'first', 'second'));
    const stored = (await firstSecondary.ask('LRANGE', key('messages'), 4, -1)) as string[];
    for (const text of stored) {
      const { id } = JSON.parse(text) as { id: string };
      expect(Number(/^m(\d+)-/.exec(id)?.[1])).toBeGreaterThan(lostFence);
    }
    expect(await fenceAt(firstSecondary)).toBeGreaterThan(lostFence);
    for (const reader of [second, await follow(b, 'over', turnIdOf(first))]) {
      expect((await reader.all()).at(-1)?.event).toBe('done');
    }
    const restartedAt = second.events.findLastIndex(({ event }) => event === 'restarted');
    const shown = second.events
      .slice(restartedAt + 1)
      .map(({ data }) => (data as { content?: string }).content ?? '');
    expect([restartedAt > 0, shown.join('')]).toEqual([true, 'echo:second']);
    expect((await getSession(a, 'over')).body.message_count).toBe(8);
    expect((await chat(a, 'over', 'after')).body).toMatchObject({ reply: 'echo:after', message_count: 10 });
    const prompt = deployment.model.requests.findLast((request) => lastSaid(request) === 'after');
    expect(prompt?.messages.map(({ content }) => content)).toEqual([
      ...echoed('before', 'known to both', 'first', 'second'),
      'after',
    ]);
    console.info(
      `failover: promoted after ${((promotedAt - killedAt) / 1000).toFixed(1)} s, ` +
        `both turns settled ${((settledAt - promotedAt) / 1000).toFixed(1)} s later`,
    );
  },
  80_000,
);
