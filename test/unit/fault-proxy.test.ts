import { Redis } from 'ioredis';
import { beforeAll, expect } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { whenLeftOver } from '../support/left-overs.ts';
import { promise } from '../support/promise.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';

let redis: RedisServer;
let proxy: FaultProxy;

beforeAll(async () => {
  redis = await startRedis();
  proxy = await startFaultProxy(redis);
});

/** A client through the proxy, connected, that never repeats a command by itself. */
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
  'the proxy loses the reply of the command it is told to, and that one was carried out once',
  async () => {
    const client = await connected();
    proxy.onCommand(({ name, keys }) => (name === 'INCR' && keys[0] === 'b' ? 'lose-reply' : undefined));
    // In one write, so that all three are on the way at once.
    const [first, second, third] = await Promise.allSettled([
      client.incr('a'),
      client.incr('b'),
      client.incr('c'),
    ]);
    expect([first?.status, second?.status, third?.status]).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(await redis.ask('MGET', 'a', 'b')).toEqual(['1', '1']);

    const again = await connected();
    proxy.onCommand(({ name }) => (name === 'SET' ? 'lose-command' : undefined));
    await expect(again.set('d', 1)).rejects.toThrow();
    expect(await redis.ask('EXISTS', 'd')).toBe(0);

    const silent = await connected();
    proxy.onCommand(({ name }) => (name === 'INCR' ? 'swallow-reply' : undefined));
    await expect(silent.incr('e')).rejects.toThrow('timed out');
    proxy.onCommand(null);
    await expect(silent.get('e')).rejects.toThrow('timed out');
    expect(await redis.ask('GET', 'e')).toBe('1');
  },
);

promise(
  'support.proxy.names-scripts',
  'the proxy names a script by the header of its text, which goes by only once',
  async () => {
    const text = '-- session: a prelude\n-- count-up: adds one\nreturn redis.call("INCR", KEYS[1])';
    const seen: (string | null)[] = [];
    proxy.onCommand((command) => {
      if (command.name.startsWith('EVAL')) seen.push(`${command.script} ${command.keys.join()}`);
      return undefined;
    });
    const client = await connected();
    await client.call('EVAL', text, '1', 'f');
    await client.call('EVALSHA', String(await client.script('LOAD', text)), '1', 'f');
    expect(await client.get('f')).toBe('2');
    expect(seen).toEqual(['count-up f', 'count-up f']);
    proxy.onCommand(null);
  },
);

promise(
  'support.proxy.way',
  'the proxy delays in order, makes black holes that stay, cuts, refuses, and heals',
  async () => {
    const [near, far] = [await connected(), await connected()];
    const [, last] = proxy.connections.slice(-2);
    last?.delay(() => 20 + Math.random() * 30);
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
