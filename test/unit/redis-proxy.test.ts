import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { beforeAll, expect } from 'vitest';
import { whenLeftOver } from '../../testkit/process/left-overs.ts';
import { type RedisServer, startRedis } from '../../testkit/redis/redis.ts';
import { type RedisProxy, startRedisProxy } from '../../testkit/redis/redis-proxy.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

const COUNT_UP = 'return redis.call("INCR", KEYS[1])';
const digestOf = (text: string) => createHash('sha1').update(text).digest('hex');

let redis: RedisServer;
let proxy: RedisProxy;

beforeAll(async () => {
  redis = await startRedis();
  proxy = await startRedisProxy(redis.port, new Map([[digestOf(COUNT_UP), 'count-up']]));
});

/** A connected client through the proxy that never retries a command. */
async function connected(): Promise<Redis> {
  const client = new Redis(proxy.url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 200,
    retryStrategy: () => null,
  });
  client.on('error', () => undefined);
  whenLeftOver(() => client.disconnect());
  await client.connect();
  return client;
}

promise(
  'support.proxy.lost-reply',
  'the proxy loses the reply of the chosen command, which was executed once',
  async () => {
    const client = await connected();
    proxy.onRequest(({ name, keys }) => (name === 'incr' && keys[0] === 'b' ? 'lose-reply' : undefined));
    // In one write, so that all three are in flight at once.
    const [first, second, third] = await Promise.allSettled([
      client.incr('a'),
      client.incr('b'),
      client.incr('c'),
    ]);
    expect([first?.status, second?.status, third?.status]).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await redis.ask('MGET', 'a', 'b')).toEqual(['1', '1']);

    const again = await connected();
    proxy.onRequest(({ name }) => (name === 'set' ? 'lose-request' : undefined));
    await expect(again.set('d', 1)).rejects.toThrow();
    expect(await redis.ask('EXISTS', 'd')).toBe(0);

    const silent = await connected();
    proxy.onRequest(({ name }) => (name === 'incr' ? 'swallow-reply' : undefined));
    await expect(silent.incr('e')).rejects.toThrow('timed out');
    proxy.onRequest(null);
    await expect(silent.get('e')).rejects.toThrow('timed out');
    expect(await redis.ask('GET', 'e')).toBe('1');
  },
);

promise(
  'support.proxy.names-scripts',
  'the proxy names a script by its digest, whether sent as digest or text, and the keys passed to it',
  async () => {
    const seen: string[] = [];
    proxy.onRequest(({ name, keys, session }) => {
      if (!['hello', 'info', 'client', 'script', 'get'].includes(name))
        seen.push(`${name} ${keys} ${session}`);
      return undefined;
    });
    const client = await connected();
    await client.call('EVAL', COUNT_UP, '2', '{-/c}:f', 'g');
    await client.call('EVALSHA', String(await client.script('LOAD', COUNT_UP)), '1', 'f', 'word');
    expect(await client.get('f')).toBe('1');
    expect(seen).toEqual(['count-up {-/c}:f,g c', 'count-up f null']);
    proxy.onRequest(null);
  },
);

promise(
  'support.proxy.way',
  'the proxy delays in order, makes lasting black holes, cuts, refuses and recovers',
  async () => {
    const [near, far] = [await connected(), await connected()];
    const [, last] = proxy.connections.slice(-2);
    last?.setWire({ delayMs: 20, jitterMs: 30 });
    const sentAt = performance.now();
    const replies = await Promise.all(Array.from({ length: 20 }, (_, index) => far.echo(String(index))));
    expect(replies).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(40);

    last?.blackHole();
    await expect(far.ping()).rejects.toThrow('timed out');
    expect(await near.ping()).toBe('PONG');
    expect(far.status).toBe('ready');
    proxy.cut();
    await waitFor(() => near.status === 'end' && far.status === 'end', { what: 'both to be cut' });
    proxy.refuse();
    await expect(connected()).rejects.toThrow();
    proxy.heal();
    expect(await (await connected()).ping()).toBe('PONG');
    expect(proxy.connections).toHaveLength(1);
  },
);
