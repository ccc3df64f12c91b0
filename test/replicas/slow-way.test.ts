import { expect } from 'vitest';
import { startRedisProxy } from '../../faults/rig/redis-proxy.ts';
import { replicaOf, say, startDeployment, startStore } from '../support/deployment.ts';
import { chat } from '../support/http.ts';
import { promise } from '../support/promise.ts';
import { echo } from '../support/scripted-model.ts';

promise(
  'slow-way.long-answers',
  'over a slow way to Redis many long answers that end together are all stored once, and short turns are answered meanwhile',
  async () => {
    const { redis } = await startStore();
    const proxy = await startRedisProxy(redis.port, new Map());
    const deployment = await startDeployment(1, {}, { redis, env: { REDIS_URL: proxy.url } });
    const [replica, { model }] = [replicaOf(deployment, 0), deployment];
    const gate = model.gate();
    const piece = 'x'.repeat(10_000);
    const long = [{ wait: gate }, ...Array.from({ length: 50 }, () => ({ delta: piece }))];
    model.reply((request) => (request.messages.at(-1)?.content === 'long' ? long : echo(request)));
    const readers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => say(replica, `long${index}`, 'long')),
    );
    // All of them together need six seconds of it, for their logs and for their commits.
    proxy.setWire({ bytesPerSecond: 10_000_000 });
    gate.open();
    let isOver = false;
    const ended = Promise.all(readers.map((reader) => reader.all(25_000))).finally(() => {
      isOver = true;
    });
    const short: number[] = [];
    for (let count = 0; !isOver; count += 1) {
      const askedAt = performance.now();
      expect((await chat(replica, `short${count}`, 'short')).status).toBe(200);
      short.push(performance.now() - askedAt);
    }
    for (const events of await ended) {
      expect(events.at(-1)).toMatchObject({ event: 'done', data: { message_count: 2 } });
      expect(events.map(({ event }) => event)).not.toContain('restarted');
    }
    expect(model.requests.filter(({ messages }) => messages.at(-1)?.content === 'long')).toHaveLength(60);
    console.info(`${short.length} short turns meanwhile, the slowest ${Math.max(...short).toFixed(0)} ms`);
    await proxy.close();
  },
  40_000,
);
