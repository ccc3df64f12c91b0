import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { openStream } from '../../testkit/http/sse.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import type { Match } from '../../testkit/redis/redis-proxy.ts';
import { say, turnIdOf, turnOf } from '../../testkit/server/deployment.ts';
import { chatUntilAnswered } from '../../testkit/server/patient.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import {
  echoed,
  expectExactly,
  faultOnce,
  lastSaid,
  type Shaky,
  startShaky,
  twoInLine,
} from '../support/shaky-replica.ts';
import { promise } from './promises.ts';

let place: Shaky;

beforeAll(async () => {
  place = await startShaky();
});

const faults = ['lose-reply', 'swallow-reply', 'lose-request'] as const;

/** The commands that a turn needs, each with the test that recognises it. */
const kinds = {
  admit: ({ name }) => name === 'admit-turn',
  confirm: ({ name }) => name === 'confirm-turn',
  lock: ({ name }) => name === 'redlock',
  append: ({ name }) => name === 'append-log',
  commit: ({ name }) => name === 'end-turn',
  list: ({ name, keys }) => name === 'zadd' && keys[0] === 'turnwise:running',
} satisfies Record<string, Match>;

promise(
  'commit.lost-reply',
  'whichever command of a turn loses its request or its reply, the turn is stored once and whole, and its key finds it',
  async () => {
    const { model, proxy, shaky, steady } = place;
    // Slow enough for the log to be written while the turn runs.
    model.reply((request) => {
      const [first = { delta: '' }, ...rest] = echo(request);
      return [first, { delayMs: 60 }, ...rest];
    });
    const refused: string[] = [];
    for (const [kind, isKind] of Object.entries(kinds)) {
      for (const fault of faults) {
        const id = `${kind}-${fault}`;
        const [before, asked, after] = [`${id} before`, `${id} asked`, `${id} after`];
        await chat(steady, id, before);
        const metFaults = faultOnce(place, isKind, fault, id);
        const { body, refusals } = await chatUntilAnswered([shaky], id, asked);
        expect([id, metFaults()]).toEqual([id, 1]);
        proxy.onRequest(null);
        expect(body).toMatchObject({ reply: `echo:${asked}`, message_count: 4 });
        refused.push(`${id} ${refusals.length}`);
        expect((await chat(steady, id, asked, { idempotencyKey: asked })).body).toEqual(body);
        expect((await chatUntilAnswered([shaky], id, after)).body.message_count).toBe(6);
        await expectExactly(place, id, echoed(before, asked, after));
      }
    }
    console.info(`refusals before the answer: ${refused.join(', ')}`);
    model.reply(echo);
  },
  120_000,
);

promise(
  'outage.taken-back',
  'a turn whose caller was refused because a reply was lost is revoked, even when that reply is lost too',
  async () => {
    const { model, proxy, shaky } = place;
    for (const [first, second] of [
      ['lose-reply', 'lose-reply'],
      ['lose-reply', 'lose-request'],
      ['swallow-reply', 'swallow-reply'],
    ] as const) {
      const id = `${first}-${second}`;
      const metFaults = faultOnce(place, kinds.admit, first, id, ({ name }) =>
        name === 'withdraw-turn' ? second : undefined,
      );
      const answer = await chat(shaky, id, `${id} refused`);
      expect([id, answer]).toMatchObject([
        id,
        { status: 503, body: { error: { code: 'redis_unavailable' } } },
      ]);
      await waitFor(() => metFaults() === 2, { timeoutMs: 8000, what: `${id}: both faults` });
      proxy.onRequest(null);
      const { body } = await chatUntilAnswered([shaky], id, `${id} after`);
      expect(body.message_count).toBe(2);
      await expectExactly(place, id, echoed(`${id} after`));
    }
    // Nor after the lease would have expired.
    await sleep(2500);
    expect(model.requests.map(lastSaid).filter((said) => said.endsWith('refused'))).toEqual([]);
  },
  60_000,
);

promise(
  'admission.dead-head',
  'a turn whose replica dies before the admission reply arrives blocks no other turn',
  async () => {
    const { model, proxy, redis, steady } = place;
    const dying = await place.another({ REDIS_URL: proxy.url });
    const id = 'dead-head';
    const gate = model.gate();
    model.reply((request) =>
      lastSaid(request) === 'first' ? [{ wait: gate }, ...echo(request)] : echo(request),
    );
    const first = await say(steady, id, 'first');
    await gate.reached;
    const metFaults = faultOnce(place, kinds.admit, 'swallow-reply', id);
    // A stall of the machine may cost a 503 before Redis is asked at all: then it is sent again, as a client does.
    const sendUntilCaught = async () => {
      while (metFaults() === 0) if ((await chat(dying, id, 'unheard').catch(() => null)) === null) return;
    };
    const unheard = sendUntilCaught();
    await waitFor(async () => (await redis.ask('ZCARD', `turnwise:{-/${id}}:queue`)) === 1, {
      what: 'the turn to be accepted',
    });
    await dying.kill();
    await unheard;
    expect(metFaults()).toBe(1);
    proxy.onRequest(null);
    gate.open();
    await first.all();
    await waitFor(async () => (await chat(steady, id, 'second', { onBusy: 'reject' })).status === 200, {
      timeoutMs: 7000,
      what: 'the session to be free',
    });
    await expectExactly(place, id, echoed('first', 'second'));
    expect(model.requests.map(lastSaid)).not.toContain('unheard');
    model.reply(echo);
  },
  30_000,
);

promise(
  'takeover.lost-reply',
  'a claim whose reply is lost is completed by the replica that made it, and counts as one attempt',
  async () => {
    const { model, proxy, shaky, steady } = place;
    const id = 'claimed';
    const gate = model.gate();
    let calls = 0;
    model.reply((request) => {
      calls += 1;
      return calls === 1 ? [{ delta: 'half' }, { wait: gate }] : echo(request);
    });
    const dying = await place.another();
    const own = await say(dying, id, 'hello');
    await gate.reached;
    // The only replica left to take it over.
    steady.pause();
    const metFaults = faultOnce(place, ({ name }) => name === 'claim-turn', 'lose-reply', id);
    await dying.kill();
    try {
      await waitFor(async () => (await turnOf(shaky, id, turnIdOf(own))).status === 'completed', {
        timeoutMs: 9000,
        what: 'the turn to be taken over',
      });
    } finally {
      steady.resume();
    }
    expect(metFaults()).toBe(1);
    proxy.onRequest(null);
    expect(await turnOf(steady, id, turnIdOf(own))).toMatchObject({ attempt: 2, reply: 'echo:hello' });
    await expectExactly(place, id, echoed('hello'));
    expect(calls).toBe(2);
    model.reply(echo);
  },
  30_000,
);

promise(
  'admission.settled',
  'a turn that may be accepted is not refused on a guess: it is answered once, or its caller gets commit_unknown with its ids',
  async () => {
    const { proxy, shaky, steady } = place;
    for (const kind of ['confirm', 'lock'] as const) {
      for (const fault of faults) {
        const id = `settled-${kind}-${fault}`;
        const metFaults = faultOnce(place, kinds[kind], fault, id);
        const askedAt = performance.now();
        const answer = await chat(shaky, id, 'asked');
        const tookMs = performance.now() - askedAt;
        expect([id, metFaults()]).toEqual([id, 1]);
        proxy.onRequest(null);
        if (fault !== 'swallow-reply') {
          // Nor has it waited for its own lock, whose reply was lost.
          expect([id, answer]).toMatchObject([id, { status: 200, body: { message_count: 2 } }]);
          expect(tookMs).toBeLessThan(1000);
          await expectExactly(place, id, echoed('asked'));
          continue;
        }
        expect([id, answer]).toMatchObject([
          id,
          { status: 503, body: { error: { code: 'commit_unknown' } } },
        ]);
        const { turn_id: turnId, stream_url: url } = answer.body.error ?? {};
        expect(url).toBe(`/api/sessions/${id}/turns/${turnId}/stream`);
        const stream = await openStream(`${steady.url}${url}`);
        expect((await stream.all()).at(-1)).toMatchObject({ data: { code: 'redis_unavailable' } });
        expect((await chatUntilAnswered([shaky], id, 'after')).body.message_count).toBe(2);
        await expectExactly(place, id, echoed('after'));
      }
    }
  },
  60_000,
);

promise(
  'order.lost-reply',
  'a waiting turn whose grant reply is lost runs once, and in its place',
  async () => {
    for (const fault of faults) {
      const id = `granted-${fault}`;
      const { gate, first, second } = await twoInLine(place, id);
      // A waiting turn polls; only the poll that grants it must meet the fault.
      let isOver = false;
      const metFaults = faultOnce(place, ({ name }) => isOver && name === 'open-turn', fault, id);
      isOver = true;
      gate.open();
      await first.all();
      expect([id, (await second.all(15_000)).at(-1)?.event]).toEqual([id, 'done']);
      expect([id, metFaults()]).toEqual([id, 1]);
      place.proxy.onRequest(null);
      // Not by a takeover.
      expect((await turnOf(place.steady, id, turnIdOf(second))).attempt).toBe(1);
      await expectExactly(place, id, echoed(`${id} first`, `${id} second`));
    }
  },
  40_000,
);
