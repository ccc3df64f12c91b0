import { expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { startRedisProxy } from '../../testkit/redis/redis-proxy.ts';
import { replicaOf, startDeployment, startStore } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

promise(
  'slow-way.long-answers',
  'over a slow connection to Redis many long answers that end together are all stored once, and short turns are answered meanwhile',
  async () => {
    const { redis } = await startStore();
    const proxy = await startRedisProxy(redis.port, new Map());
    const deployment = await startDeployment(1, {}, { redis, env: { REDIS_URL: proxy.url } });
    const [replica, { model }] = [replicaOf(deployment, 0), deployment];
    const gate = model.gate();
    const piece = 'x'.repeat(25_000);
    const long = [{ wait: gate }, ...Array.from({ length: 10 }, () => ({ delta: piece }))];
    model.reply((request) => (request.messages.at(-1)?.content === 'long' ? long : echo(request)));
    const asked = Array.from({ length: 80 }, (_, index) =>
      chat(replica, `long${index}`, 'long', { timeoutMs: 30_000 }),
    );
    await waitFor(() => model.requests.length === asked.length, { what: 'all calls of the model' });
    // Their logs and commits together need four seconds of bandwidth.
    proxy.setWire({ bytesPerSecond: 10_000_000 });
    gate.open();
    let isOver = false;
    const ended = Promise.all(asked).finally(() => {
      isOver = true;
    });
    const short: number[] = [];
    for (let count = 0; !isOver; count += 1) {
      const askedAt = performance.now();
      expect((await chat(replica, `short${count}`, 'short')).status).toBe(200);
      short.push(performance.now() - askedAt);
    }
    for (const { status, body } of await ended) {
      expect([status, body.reply?.length, body.message_count]).toEqual([200, 250_000, 2]);
    }
    expect(model.requests.filter(({ messages }) => messages.at(-1)?.content === 'long')).toHaveLength(80);
    // Queued behind all the long ones, even the first would take that long.
    expect(short.length).toBeGreaterThan(5);
    console.info(`${short.length} short turns meanwhile, the slowest ${Math.max(...short).toFixed(0)} ms`);
    await proxy.close();
  },
  40_000,
);
