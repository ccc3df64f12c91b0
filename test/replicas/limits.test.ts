import { afterAll, beforeAll, expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  follow,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { RATE_LIMIT_PER_MINUTE: '4' });
});
afterAll(() => deployment.model.close());

promise(
  'limits.rate.all-replicas',
  'a caller may begin a fixed number of turns a minute over all replicas, then gets 429 with Retry-After; reading is free',
  async () => {
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const before = deployment.model.requests.length;
    const statuses = [];
    for (const [index, replica] of [a, b, a, b, a, b].entries()) {
      statuses.push((await chat(replica, `rate-${index}`, 'hello')).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429]);
    const refused = await say(a, 'rate', 'hello');
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ error: { code: 'rate_limited' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(deployment.model.requests.length).toBe(before + 4);
    for (let count = 0; count < 10; count += 1) {
      expect((await call(b.url, 'GET', '/api/sessions')).status).toBe(200);
    }
  },
);

promise(
  'busy.coalesce.hundred',
  'a hundred messages may join a waiting turn; the next one waits behind it, and cancelling ends all their keys',
  async () => {
    const replica = await deployment.another({ KEY_PREFIX: 'joining', RATE_LIMIT_PER_MINUTE: '0' });
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const key = (name: string) => `joining:{-/crowd}:${name}`;
    const first = await say(replica, 'crowd', 'runs');
    await gate.reached;
    const waiting = await say(replica, 'crowd', 'waits');
    const join = (index: number) =>
      say(replica, 'crowd', `joins ${index}`, { onBusy: 'coalesce', idempotencyKey: `key ${index}` });
    const joined = await Promise.all(Array.from({ length: 100 }, (_, index) => join(index)));
    expect(new Set(joined.map(turnIdOf))).toEqual(new Set([turnIdOf(waiting)]));
    const behind = await join(100);
    expect(turnIdOf(behind)).not.toBe(turnIdOf(waiting));
    const path = `/api/sessions/crowd/turns/${turnIdOf(waiting)}/cancel`;
    expect((await call(replica.url, 'POST', path)).status).toBe(200);
    const recordEnd = await deployment.redis.ask('PEXPIRETIME', key(`turn:${turnIdOf(waiting)}`));
    const members = (await deployment.redis.ask('ZRANGE', key('turns'), 0, -1)) as string[];
    const hashes = members.filter((member) => member.startsWith(`${turnIdOf(waiting)}#`));
    expect(hashes).toHaveLength(100);
    for (const member of hashes) {
      const idempotencyKey = key(`idem:${member.split('#')[1]}`);
      expect(await deployment.redis.ask('PEXPIRETIME', idempotencyKey)).toBe(recordEnd);
    }
    gate.open();
    for (const reader of [first, behind]) expect((await reader.all()).at(-1)?.event).toBe('done');
    for (const reader of joined) expect((await reader.all()).at(-1)?.event).toBe('cancelled');
    deployment.model.reply(echo);
  },
);

promise(
  'limits.rate.turns-only',
  'a request refused before it begins and a repeat under the same key do not count; a failed turn that runs again does',
  async () => {
    const replica = await deployment.another({ KEY_PREFIX: 'counted', MODEL_MAX_RETRIES: '0' });
    let fails = true;
    deployment.model.reply((request) => (fails ? [{ status: 500 }] : echo(request)));
    for (const message of ['', '\ud800', 'x'.repeat(70_000)]) {
      for (let count = 0; count < 3; count += 1) {
        expect([400, 413]).toContain((await chat(replica, 'refused', message)).status);
      }
    }
    const key = { idempotencyKey: 'same' };
    expect((await chat(replica, 'keyed', 'hello', key)).status).toBe(502);
    fails = false;
    for (let count = 0; count < 8; count += 1) {
      expect((await chat(replica, 'keyed', 'hello', key)).status).toBe(200);
    }
    const statuses = [];
    for (const id of ['a', 'b', 'c']) statuses.push((await chat(replica, id, 'hello')).status);
    // Two of the four were used by the failed turn and its second run.
    expect(statuses).toEqual([200, 200, 429]);
    // A repeat gets its lost answer, whatever the limit.
    expect((await chat(replica, 'keyed', 'hello', key)).status).toBe(200);
  },
);

promise(
  'limits.turns-and-streams',
  'past MAX_TURNS or MAX_STREAMS a replica replies 503 overloaded, before anything is written, and recovers',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ delta: 'x' }, { wait: gate }, ...echo(request)]);
    const tight = { RATE_LIMIT_PER_MINUTE: '0', KEY_PREFIX: 'tight' };
    const small = await deployment.another({ ...tight, MAX_TURNS: '2' });
    const narrow = await deployment.another({ ...tight, MAX_STREAMS: '2' });
    const turns = [await say(small, 'one', 'hello'), await say(small, 'two', 'hello')];
    const third = await chat(small, 'three', 'hello');
    expect(third).toMatchObject({ status: 503, body: { error: { code: 'overloaded' } } });
    expect(third.headers['retry-after']).toBe('1');
    expect((await call(small.url, 'GET', '/api/sessions/three')).status).toBe(404);

    const readers = [];
    for (const [id, turn] of [
      ['one', turns[0]],
      ['two', turns[1]],
    ] as const) {
      if (turn !== undefined) readers.push(await follow(narrow, id, turnIdOf(turn)));
    }
    expect(readers.map((reader) => reader.status)).toEqual([200, 200]);
    expect((await say(narrow, 'four', 'hello')).status).toBe(503);
    gate.open();
    for (const reader of [...turns, ...readers]) expect((await reader.all()).at(-1)?.event).toBe('done');
    expect((await chat(small, 'three', 'hello')).status).toBe(200);
    expect((await say(narrow, 'four', 'hello')).status).toBe(200);
  },
);

promise(
  'limits.turns.burst',
  'of many turns that arrive at once no more than MAX_TURNS are accepted',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const small = await deployment.another({
      ...{ RATE_LIMIT_PER_MINUTE: '0', KEY_PREFIX: 'turns-burst', MAX_TURNS: '3', CONTEXT_TOKENS: '8000' },
    });
    // Long enough to be tokenized in steps, so that all of them are in progress together.
    const message = 'tea '.repeat(6000);
    const many = Array.from({ length: 20 }, (_, index) => say(small, `turns-burst-${index}`, message));
    const statuses = (await Promise.all(many)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    expect(statuses.filter((status) => status === 503)).toHaveLength(17);
    gate.open();
  },
);

promise(
  'limits.streams.burst',
  'of many readers that arrive at once no more than MAX_STREAMS are admitted, JSON requests included',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: gate }, ...echo(request)]);
    const narrow = await deployment.another({
      ...{ RATE_LIMIT_PER_MINUTE: '0', KEY_PREFIX: 'burst', MAX_STREAMS: '3' },
    });
    const many = Array.from({ length: 20 }, (_, index) => index);
    const streams = await Promise.all(many.map((index) => say(narrow, `burst-${index}`, 'hello')));
    const open = streams.filter(({ status }) => status === 200);
    expect([open.length, streams.filter(({ status }) => status === 503).length]).toEqual([3, 17]);
    gate.open();
    for (const reader of open) expect((await reader.all()).at(-1)?.event).toBe('done');

    const second = deployment.model.gate();
    deployment.model.reply((request) => [{ wait: second }, ...echo(request)]);
    const repeats = many.map(() => chat(narrow, 'repeated', 'hello', { idempotencyKey: 'same' }));
    const refused: number[] = [];
    for (const repeat of repeats) void repeat.then(({ status }) => refused.push(status));
    await waitFor(() => refused.length >= 17, { what: 'all but three to be refused' });
    expect(new Set(refused)).toEqual(new Set([503]));
    second.open();
    const statuses = (await Promise.all(repeats)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(3);
    expect((await chat(narrow, 'after', 'hello')).status).toBe(200);
  },
);
