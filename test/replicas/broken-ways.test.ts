import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import type { ProxiedConnection } from '../../testkit/redis/proxied-connection.ts';
import { saidIn } from '../../testkit/server/api.ts';
import { say, turnIdOf, turnOf } from '../../testkit/server/deployment.ts';
import { chatUntilAnswered, timed } from '../../testkit/server/patient.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { echoed, expectExactly, lastSaid, type Shaky, startShaky } from '../support/shaky-replica.ts';
import { promise } from './promises.ts';

let place: Shaky;

beforeAll(async () => {
  place = await startShaky();
});

promise(
  'outage.cuts',
  'with all connections cut every 60 ms for two seconds each turn is stored once, in order, and service continues',
  async () => {
    const { proxy, shaky } = place;
    let isOver = false;
    const cutting = (async () => {
      const until = performance.now() + 2000;
      while (performance.now() < until) {
        proxy.cut();
        await sleep(60);
      }
      isOver = true;
    })();
    const sessions = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const [id, said] = [`cut${index}`, [] as string[]];
        // Until the cuts have ended, and one turn more.
        for (let isLast = false; !isLast; ) {
          isLast = isOver;
          const message = `${id} says ${said.length}`;
          const { body } = await chatUntilAnswered([shaky], id, message);
          expect(body).toMatchObject({ reply: `echo:${message}`, message_count: 2 * said.length + 2 });
          said.push(message);
        }
        return { id, said };
      }),
    );
    await cutting;
    for (const { id, said } of sessions) await expectExactly(place, id, echoed(...said));
    expect((await chat(shaky, 'cut0', 'after')).status).toBe(200);
    console.info(`cut every 60 ms: ${sessions.map(({ said }) => said.length).join(' ')} turns`);
  },
  40_000,
);

promise(
  'outage.black-hole',
  'connections that the network lost silently are replaced: requests are refused in a second and served in a few',
  async () => {
    const { proxy, shaky } = place;
    await chat(shaky, 'lost', 'before');
    proxy.blackHole();
    const refused = await timed(chat(shaky, 'lost', 'refused'));
    expect(refused).toMatchObject({ status: 503 });
    expect(refused.ms).toBeLessThan(1000 + (await timed(call(shaky.url, 'GET', '/livez'))).ms);
    proxy.heal();
    const healedAt = performance.now();
    await waitFor(async () => (await chat(shaky, 'lost', 'after')).status === 200, {
      timeoutMs: 5000,
      what: 'turns to be answered again',
    });
    console.info(
      `black hole: back ${(performance.now() - healedAt).toFixed(0)} ms after the network recovered`,
    );
    await expectExactly(place, 'lost', echoed('before', 'after'));
  },
  20_000,
);

promise(
  'outage.deaf',
  'a replica whose subscription silently broke recovers it by itself',
  async () => {
    const { model, proxy, shaky, steady } = place;
    const subscribers = new Set<ProxiedConnection>();
    proxy.onRequest(({ name }, connection) => {
      if (name === 'subscribe') subscribers.add(connection);
      return undefined;
    });
    proxy.cut();
    await waitFor(() => subscribers.size > 0, { what: 'a subscribed connection' });
    await chatUntilAnswered([shaky], 'deaf', 'before');
    for (const connection of subscribers) connection.blackHole();
    /** ms from the end of a turn to the next turn's model call. */
    const handOff = async (round: number): Promise<number> => {
      const id = `deaf${round}`;
      const gate = model.gate();
      let begunAt = 0;
      model.reply((request) => {
        if (lastSaid(request) === 'behind') begunAt = performance.now();
        return lastSaid(request) === 'ahead' ? [{ delta: 'x' }, { wait: gate }] : echo(request);
      });
      const ahead = await say(steady, id, 'ahead');
      await gate.reached;
      const behind = await say(shaky, id, 'behind');
      await behind.until('queued');
      gate.open();
      await ahead.all();
      const endedAt = performance.now();
      expect((await behind.all()).at(-1)?.event).toBe('done');
      return begunAt - endedAt;
    };
    const deaf = await handOff(0);
    // Without a wake-up it looks once a second.
    await waitFor(async () => (await handOff(performance.now())) < 150, {
      timeoutMs: 15_000,
      what: 'a turn to be woken',
    });
    console.info(`deaf: a waiting turn began ${deaf.toFixed(0)} ms after the one before it`);
    proxy.onRequest(null);
    model.reply(echo);
  },
  40_000,
);

promise(
  'takeover.fresh-replica',
  'an idle replica that never read the time of Redis takes over turns of another',
  async () => {
    const { model, proxy } = place;
    const delayed = new Set<ProxiedConnection>();
    proxy.onRequest(({ name }, connection) => {
      if (name !== 'time' || delayed.size > 0) return undefined;
      // Its first reading comes too late to count, on a connection that is fast from then on.
      delayed.add(connection);
      connection.setWire({ delayMs: 600 });
      setTimeout(() => connection.setWire({ delayMs: 0 }), 700);
      return undefined;
    });
    const dying = await place.another({ KEY_PREFIX: 'fresh' });
    const fresh = await place.another({ KEY_PREFIX: 'fresh', REDIS_URL: proxy.url });
    proxy.onRequest(null);
    expect(delayed.size).toBe(1);
    const gate = model.gate();
    let calls = 0;
    model.reply((request) => {
      calls += 1;
      return calls === 1 ? [{ delta: 'half' }, { wait: gate }] : echo(request);
    });
    const own = await say(dying, 'left', 'hello');
    await gate.reached;
    await dying.kill();
    await waitFor(async () => (await turnOf(fresh, 'left', turnIdOf(own))).status === 'completed', {
      timeoutMs: 8000,
      what: 'the turn to be taken over',
    });
    expect(await saidIn(fresh, 'left')).toEqual(echoed('hello'));
    model.reply(echo);
  },
  40_000,
);

promise(
  'outage.flushed',
  'when Redis is flushed while turns run, they end as session_deleted, nothing is stored, and the fence does not fall',
  async () => {
    const { model, redis, shaky, steady } = place;
    const id = 'flushed';
    const fenceOf = async () => Number(await redis.ask('HGET', `turnwise:{-/${id}}:meta`, 'fence'));
    await chat(steady, id, 'before');
    const gate = model.gate();
    model.reply((request) =>
      lastSaid(request) === 'held' ? [{ delta: 'x' }, { wait: gate }] : echo(request),
    );
    const running = await say(steady, id, 'held');
    await running.until('delta');
    const waiting = await say(shaky, id, 'waits');
    await waiting.until('queued');
    const fence = await fenceOf();
    await redis.ask('FLUSHALL');
    const fresh = await chat(shaky, id, 'anew');
    expect(fresh).toMatchObject({ status: 200, body: { reply: 'echo:anew', message_count: 2 } });
    expect(await fenceOf()).toBeGreaterThan(fence);
    gate.open();
    for (const reader of [running, waiting]) {
      expect((await reader.all()).at(-1)).toMatchObject({
        event: 'error',
        data: { code: 'session_deleted' },
      });
    }
    await expectExactly(place, id, echoed('anew'));
    expect(model.requests.map(lastSaid)).not.toContain('waits');
    model.reply(echo);
  },
  20_000,
);
