import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { echo, type ScriptedModel, startScriptedModel } from '../../testkit/model/scripted-model.ts';
import type { RedisServer } from '../../testkit/redis/redis.ts';
import { follow, say, startStore, turnIdOf } from '../../testkit/server/deployment.ts';
import { startInProcess } from '../../testkit/server/in-process.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

let redis: RedisServer;
let model: ScriptedModel;
let replica: Replica;

/** How often the replica began to send to Redis after it had heard something: what it waits for, one after the other. */
let bursts = 0;
const relay = createServer((client) => {
  const server = connect(redis.port, '127.0.0.1');
  let hasHeard = true;
  client.on('data', (bytes) => {
    if (hasHeard) bursts += 1;
    hasHeard = false;
    server.write(bytes);
  });
  server.on('data', (bytes) => {
    hasHeard = true;
    client.write(bytes);
  });
  for (const [one, two] of [
    [client, server],
    [server, client],
  ] as const) {
    one.on('close', () => two.destroy());
    one.on('error', () => {});
  }
});

beforeAll(async () => {
  [{ redis }, model] = await Promise.all([startStore(), startScriptedModel()]);
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  const { pathname } = new URL(redis.url);
  const redisUrl = `redis://127.0.0.1:${(relay.address() as AddressInfo).port}${pathname}`;
  replica = await startInProcess({
    redisUrl,
    modelUrl: model.url,
    env: { WORKER: 'off', LOG_LEVEL: 'warn' },
  });
});
beforeEach(() => model.reply(echo));
afterAll(() => {
  relay.close();
});

promise('cost.round-trips', 'a turn that finds its session idle waits for Redis three times', async () => {
  await chat(replica, 'trips', 'hello');
  // The fewest of some: beats, looks and batches of the log by the clock come in between now and then.
  let fewest = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 30; turn += 1) {
    const before = bursts;
    await chat(replica, 'trips', 'hello');
    fewest = Math.min(fewest, bursts - before);
  }
  expect(fewest).toBe(3);
});

promise(
  'cost.writes',
  'each token is one write to each of its viewers, and the same bytes for all',
  async () => {
    const written: unknown[] = [];
    const { _write: write } = Socket.prototype;
    Socket.prototype._write = function count(this: Socket, chunk: unknown, ...rest: [never, never]) {
      if (this.localPort === replica.port) written.push(chunk);
      return write.call(this, chunk, ...rest);
    };
    try {
      const gates = Array.from({ length: 6 }, () => model.gate());
      model.reply(() => gates.flatMap((gate, index) => [{ wait: gate }, { delta: `token ${index} ` }]));
      const own = await say(replica, 'writes', 'hello');
      await own.until('started');
      const viewers = [
        own,
        ...(await Promise.all([1, 2].map(() => follow(replica, 'writes', turnIdOf(own))))),
      ];
      for (const viewer of viewers.slice(1)) await viewer.until('started');
      for (const gate of gates.slice(0, -1)) {
        written.length = 0;
        gate.open();
        for (const viewer of viewers) await viewer.next();
        expect(written).toHaveLength(viewers.length);
        expect(new Set(written).size).toBe(1);
      }
      gates.at(-1)?.open();
      await Promise.all(viewers.map((viewer) => viewer.all()));
    } finally {
      Socket.prototype._write = write;
    }
  },
);
