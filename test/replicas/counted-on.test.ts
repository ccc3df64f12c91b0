import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { type RedisServer, startRedis } from '../../testkit/redis/redis.ts';
import { type RedisProxy, startRedisProxy } from '../../testkit/redis/redis-proxy.ts';
import { scriptNames } from '../../testkit/redis/script-names.ts';
import { commandEntry } from '../../testkit/server/command.ts';
import { type Deployment, replicaOf, say, startDeployment, turnOf } from '../../testkit/server/deployment.ts';
import { chatUntilAnswered } from '../../testkit/server/patient.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { echoed, expectExactly, lastSaid } from '../support/shaky-replica.ts';
import { promise } from './promises.ts';

/** Longer than a test waits: an answer before it expires did not come from a takeover. */
const LEASE_MS = 20_000;

let redis: RedisServer;
let deployment: Deployment;
let steady: Replica;

beforeAll(async () => {
  redis = await startRedis();
  deployment = await startDeployment(1, { LOCK_TTL_MS: '2000' }, { redis, env: { REDIS_URL: redis.url } });
  steady = replicaOf(deployment, 0);
});

/** A replica whose connection to Redis can be stopped at a single command. */
async function behindProxy(env: Readonly<Record<string, string>> = {}) {
  const proxy = await startRedisProxy(redis.port, await scriptNames(commandEntry));
  return { proxy, replica: await deployment.another({ REDIS_URL: proxy.url, ...env }) };
}

/** A replica misses the reply to an admission that was executed, and is stopped before it revokes it. */
async function refusedAdmission(proxy: RedisProxy, replica: Replica, id: string, onBusy = 'enqueue') {
  const isOwn = (name: string) => (request: { readonly name: string; readonly session: string | null }) =>
    request.name === name && request.session === id;
  const lost = proxy.loseReply(isOwn('admit-turn'));
  const takingBack = proxy.trap('request', isOwn('withdraw-turn'));
  const message = `${id} refused`;
  const answer = await chat(replica, id, message, { onBusy, idempotencyKey: message });
  expect([id, answer]).toMatchObject([id, { status: 503, body: { error: { code: 'redis_unavailable' } } }]);
  await Promise.all([lost.caught, takingBack.caught]);
  return takingBack;
}

/** Another turn of the session stops at the gate, so that the next ones wait. */
async function oneAhead(id: string) {
  const gate = deployment.model.gate();
  deployment.model.reply((request) =>
    lastSaid(request) === `${id} first` ? [{ wait: gate }, ...echo(request)] : echo(request),
  );
  const first = await say(steady, id, `${id} first`);
  await gate.reached;
  return { gate, first };
}

function askedFor(message: string): number {
  return deployment.model.requests.filter((request) => lastSaid(request) === message).length;
}

const place = () => ({ redis, steady });

promise(
  'repeat.dead-admission',
  'a caller that retries a message whose replica died before acknowledging it is answered, once and without a third try',
  async () => {
    for (const waits of [false, true]) {
      const id = `dead-${waits ? 'waits' : 'runs'}`;
      const ahead = waits ? await oneAhead(id) : null;
      const { proxy, replica } = await behindProxy();
      const unheard = proxy.trap('reply', ({ name }) => name === 'admit-turn');
      const cut = chat(replica, id, `${id} asked`, { idempotencyKey: `${id} asked` }).catch(() => null);
      await unheard.caught;
      await replica.kill();
      await cut;
      const again = chat(steady, id, `${id} asked`, { idempotencyKey: `${id} asked` });
      ahead?.gate.open();
      const answer = await again;
      expect([id, answer]).toMatchObject([id, { status: 200, body: { reply: `echo:${id} asked` } }]);
      await expectExactly(place(), id, echoed(...(waits ? [`${id} first`] : []), `${id} asked`));
      // No replica had begun it before.
      expect([id, (await turnOf(steady, id, answer.body.turn_id)).attempt]).toEqual([id, 1]);
      expect([id, askedFor(`${id} asked`)]).toEqual([id, 1]);
      await ahead?.first.all();
      await proxy.close();
    }
    deployment.model.reply(echo);
  },
  40_000,
);

promise(
  'repeat.not-taken-back',
  'a message whose first caller was refused is not revoked once a retry was acknowledged, and continues at once',
  async () => {
    const { proxy, replica } = await behindProxy({ LOCK_TTL_MS: String(LEASE_MS) });
    for (const waits of [false, true]) {
      const id = `refused-${waits ? 'waits' : 'runs'}`;
      const ahead = waits ? await oneAhead(id) : null;
      const takingBack = await refusedAdmission(proxy, replica, id);
      const askedAt = performance.now();
      // A machine that is busy replies 503 to some; a client sends those again.
      const again = chatUntilAnswered([steady], id, `${id} refused`);
      await waitFor(
        async () => (await keptUnderKey(id)).every((value) => !value.endsWith(' unacknowledged')),
        {
          what: `${id}: to be acknowledged`,
        },
      );
      takingBack.open();
      ahead?.gate.open();
      const answer = await again;
      expect([id, answer.body]).toMatchObject([id, { reply: `echo:${id} refused` }]);
      expect([id, (await turnOf(steady, id, answer.body.turn_id)).attempt]).toEqual([id, 1]);
      expect(performance.now() - askedAt).toBeLessThan(LEASE_MS);
      await expectExactly(place(), id, echoed(...(waits ? [`${id} first`] : []), `${id} refused`));
      expect([id, askedFor(`${id} refused`)]).toEqual([id, 1]);
      await ahead?.first.all();
    }
    deployment.model.reply(echo);
    await replica.kill();
    await proxy.close();
  },
  60_000,
);

promise(
  'busy.coalesce.unconfirmed',
  'a message that joined one that was never acknowledged is answered without it, whether its replica died or revoked it',
  async () => {
    for (const how of ['dies', 'refuses'] as const) {
      const id = `joined-${how}`;
      const { gate, first } = await oneAhead(id);
      const { proxy, replica } = await behindProxy();
      const takingBack = await refusedAdmission(proxy, replica, id);
      const joined = await joinedBy(id);
      if (how === 'dies') await replica.kill();
      takingBack.open();
      await waitFor(async () => (await waitingRecord(id)).message === '', {
        timeoutMs: 8000,
        what: `${id}: the refused message to be revoked`,
      });
      gate.open();
      await first.all();
      expect([id, await joined.answer]).toMatchObject([
        id,
        { status: 200, body: { reply: `echo:${id} joins`, message_count: 4 } },
      ]);
      // Its own key means nothing any more: a retry begins a new turn.
      await chatUntilAnswered([steady], id, `${id} refused`);
      await expectExactly(place(), id, echoed(`${id} first`, `${id} joins`, `${id} refused`));
      if (how === 'refuses') await replica.kill();
      await proxy.close();
    }
    deployment.model.reply(echo);
  },
  60_000,
);

promise(
  'busy.coalesce.unsettled-first',
  'a message that joined one whose caller got commit_unknown is answered together with it',
  async () => {
    const id = 'unsettled';
    const { gate, first } = await oneAhead(id);
    const { proxy, replica } = await behindProxy({ LOCK_TTL_MS: String(LEASE_MS) });
    const confirming = proxy.trap('request', ({ name }) => name === 'confirm-turn');
    const asked = chat(replica, id, `${id} asked`);
    await confirming.caught;
    proxy.setWire({ isHeld: true });
    confirming.cut();
    expect(await asked).toMatchObject({ status: 503, body: { error: { code: 'commit_unknown' } } });
    const joined = await joinedBy(id);
    proxy.setWire({ isHeld: false });
    await waitFor(async () => (await waitingRecord(id)).confirmed === '1', {
      timeoutMs: 8000,
      what: 'the turn to be kept for the joined caller',
    });
    gate.open();
    await first.all();
    expect(await joined.answer).toMatchObject({ status: 200, body: { message_count: 5 } });
    await expectExactly(place(), id, [
      ...echoed(`${id} first`),
      `${id} asked`,
      `${id} joins`,
      `echo:${id} joins`,
    ]);
    deployment.model.reply(echo);
    await replica.kill();
    await proxy.close();
  },
  40_000,
);

promise(
  'busy.coalesce.all-taken-back',
  'a waiting turn whose messages were all revoked makes no model call, ends, and its session continues',
  async () => {
    const id = 'emptied';
    const { gate, first } = await oneAhead(id);
    const [one, two] = [await behindProxy(), await behindProxy()];
    const takingBack = await refusedAdmission(one.proxy, one.replica, id);
    const joining = two.proxy.trap('reply', ({ name }) => name === 'join-turn');
    const asked = chat(two.replica, id, `${id} joins`, { onBusy: 'coalesce' });
    await joining.caught;
    two.proxy.setWire({ isHeld: true });
    const unsettled = await asked;
    expect(unsettled).toMatchObject({ status: 503, body: { error: { code: 'commit_unknown' } } });
    takingBack.open();
    const isHandedOver = async () => {
      const { message, read_until: adopted } = await waitingRecord(id);
      return message === '' && adopted !== undefined;
    };
    await waitFor(isHandedOver, {
      timeoutMs: 8000,
      what: 'the turn to be handed over without the refused message',
    });
    two.proxy.setWire({ isHeld: false });
    joining.cut();
    await waitFor(async () => (await waitingRecord(id))['message:1'] === '', {
      timeoutMs: 8000,
      what: 'the joined message to be revoked',
    });
    const calls = deployment.model.requests.length;
    gate.open();
    await first.all();
    const turnId = unsettled.body.error?.turn_id ?? '';
    await waitFor(async () => (await turnOf(steady, id, turnId)).status === 'failed', {
      timeoutMs: 8000,
      what: 'the empty turn to end',
    });
    expect(deployment.model.requests.length).toBe(calls);
    await chatUntilAnswered([steady], id, `${id} after`);
    await expectExactly(place(), id, echoed(`${id} first`, `${id} after`));
    deployment.model.reply(echo);
    for (const { replica, proxy } of [one, two]) {
      await replica.kill();
      await proxy.close();
    }
  },
  40_000,
);

/** A message that Redis has recorded as joined, and its pending answer. */
async function joinedBy(id: string) {
  const message = `${id} joins`;
  const answer = chat(steady, id, message, { onBusy: 'coalesce', idempotencyKey: message });
  await waitFor(async () => (await waitingRecord(id))['message:1'] === message, {
    what: `${id}: to have joined`,
  });
  return { answer };
}

async function keptUnderKey(id: string): Promise<readonly string[]> {
  const keys = (await redis.ask('KEYS', `turnwise:{-/${id}}:idem:*`)) as string[];
  return Promise.all(keys.map(async (key) => String(await redis.ask('GET', key))));
}

/** The record of the only waiting turn. */
async function waitingRecord(id: string): Promise<Readonly<Record<string, string>>> {
  const [member = ''] = (await redis.ask('ZRANGE', `turnwise:{-/${id}}:queue`, '0', '0')) as string[];
  const fields = (await redis.ask('HGETALL', `turnwise:{-/${id}}:turn:${member.split('/')[0]}`)) as string[];
  return Object.fromEntries(
    Array.from({ length: fields.length / 2 }, (_, at) => [fields[2 * at], fields[2 * at + 1]]),
  );
}
