import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo, type ModelRequest } from '../../testkit/model/scripted-model.ts';
import { getSession, listSessions, saidIn } from '../../testkit/server/api.ts';
import {
  type Deployment,
  follow,
  replicaOf,
  say,
  startDeployment,
  startStore,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, {}, startStore());
});

const lastSaid = (request: ModelRequest) => request.messages.at(-1)?.content ?? '';

function holdAt(...messages: string[]) {
  const gate = deployment.model.gate();
  deployment.model.reply((request) =>
    messages.includes(lastSaid(request))
      ? [{ delta: 'begun ' }, { wait: gate }, { delta: 'and ended' }]
      : echo(request),
  );
  return gate;
}

/** Less than Redis uses already, so every write that needs memory is refused. */
const fill = () => deployment.redis.ask('CONFIG', 'SET', 'maxmemory', 1);
const makeRoom = () => deployment.redis.ask('CONFIG', 'SET', 'maxmemory', 0);

promise(
  'outage.full',
  'when Redis is full new turns are refused as storage_full, reading and deleting work, and it recovers when there is room',
  async () => {
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    await chat(a, 'kept', 'before');
    await chat(b, 'deleted', 'before');
    // The last turn is removed from this list just after its answer, and the list with it.
    await waitFor(async () => (await deployment.redis.ask('EXISTS', 'turnwise:running')) === 0, {
      what: 'both turns to leave the list of live turns',
    });
    const keysBefore = await deployment.redis.ask('KEYS', '*');
    await fill();
    try {
      for (const [replica, id] of [
        [a, 'kept'],
        [b, 'kept'],
        [a, 'new'],
      ] as const) {
        const answer = await chat(replica, id, 'refused');
        expect(answer).toMatchObject({ status: 503, body: { error: { code: 'storage_full' } } });
        expect(answer.body.error).not.toHaveProperty('turn_id');
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
        const stream = await say(replica, id, 'refused', { idempotencyKey: 'refused' });
        expect([stream.status, await stream.json()]).toMatchObject([
          503,
          { error: { code: 'storage_full' } },
        ]);
      }
      expect(await saidIn(a, 'kept')).toEqual(['before', 'echo:before']);
      expect((await getSession(b, 'kept')).body).toMatchObject({ message_count: 2 });
      expect((await listSessions(a)).body.total).toBe(2);
      expect((await call(a.url, 'GET', '/health')).status).toBe(200);
      expect((await call(a.url, 'GET', '/readyz')).status).toBe(200);
      const keysAfter = (await deployment.redis.ask('KEYS', '*')) as string[];
      expect(keysAfter.toSorted()).toEqual((keysBefore as string[]).toSorted());
      expect((await call(a.url, 'DELETE', '/api/sessions/deleted')).status).toBe(200);
      expect((await getSession(b, 'deleted')).status).toBe(404);
    } finally {
      await makeRoom();
    }
    const roomAt = performance.now();
    expect((await chat(b, 'kept', 'after')).body).toMatchObject({ reply: 'echo:after', message_count: 4 });
    console.info(`room in Redis: answered ${(performance.now() - roomAt).toFixed(0)} ms later`);
    expect((await chat(a, 'new', 'refused', { idempotencyKey: 'refused' })).body.message_count).toBe(2);
    const refused = deployment.model.requests.filter((request) => lastSaid(request) === 'refused');
    expect(refused).toHaveLength(1);
  },
);

promise(
  'outage.full.running',
  'a turn that ends while Redis is full waits for room, or fails as storage_full and leaves its session usable',
  async () => {
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    await chat(a, 'given-up', 'before');
    const gate = holdAt('long', 'long too');
    const givenUp = await say(a, 'given-up', 'long');
    const behind = await say(b, 'given-up', 'waits');
    await behind.until('queued');
    const json = chat(b, 'given-up-json', 'long');
    await waitFor(() => deployment.model.requests.filter((one) => lastSaid(one) === 'long').length === 2, {
      what: 'two calls of the model',
    });
    const elsewhere = await follow(b, 'given-up', turnIdOf(givenUp));
    await elsewhere.until('delta');
    const dropped = await say(b, 'given-up', 'dropped');
    await dropped.until('queued');
    await fill();
    try {
      const path = `/api/sessions/given-up/turns/${turnIdOf(dropped)}/cancel`;
      expect(await call(a.url, 'POST', path)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
      gate.open();
      expect((await elsewhere.all(15_000)).at(-1)?.data.code).toBe('storage_full');
      expect(await json).toMatchObject({ status: 503, body: { error: { code: 'storage_full' } } });
      const last = (await givenUp.all(15_000)).at(-1);
      expect(last).toMatchObject({ event: 'error', data: { code: 'storage_full', retryable: true } });
      expect(await saidIn(b, 'given-up')).toEqual(['before', 'echo:before']);
    } finally {
      await makeRoom();
    }
    expect((await behind.all()).at(-1)?.event).toBe('done');
    expect((await chat(b, 'given-up', 'after')).status).toBe(200);
    // Neither now nor when its lease would have expired.
    await waitFor(async () => (await chat(a, 'given-up-json', 'after')).status === 200, {
      what: 'an answer',
    });
    const turn = `/api/sessions/given-up/turns/${turnIdOf(givenUp)}`;
    expect((await call(a.url, 'GET', turn)).body).not.toMatchObject({ status: 'running' });
    expect(await saidIn(a, 'given-up')).toEqual(
      ['before', 'waits', 'after'].flatMap((said) => [said, `echo:${said}`]),
    );
    expect(await saidIn(a, 'given-up-json')).toEqual(['after', 'echo:after']);

    const second = holdAt('long too');
    const patient = await say(a, 'patient', 'long too');
    await patient.until('delta');
    await fill();
    second.open();
    await waitFor(() => patient.text() === 'begun and ended', { what: 'the whole answer to be read' });
    // There is room again before the turn gives up.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(patient.ended).toBeUndefined();
    await makeRoom();
    expect((await patient.all()).at(-1)?.event).toBe('done');
    // Its lease was renewed all the time, or another replica would have restarted it.
    expect(patient.events.map(({ event }) => event)).not.toContain('restarted');
    expect(await saidIn(b, 'patient')).toEqual(['long too', 'begun and ended']);
  },
  40_000,
);

promise(
  'outage.no-writes.reader',
  'a retry on another replica is answered with its turn while Redis refuses every write',
  async () => {
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const gate = holdAt('kept');
    const asked = { idempotencyKey: 'kept' };
    const own = await say(a, 'no-writes', 'kept', asked);
    await own.until('delta');
    // As when a primary has lost its secondaries: even a deletion is refused.
    await deployment.redis.ask('CONFIG', 'SET', 'min-replicas-to-write', 1);
    const again = chat(b, 'no-writes', 'kept', asked);
    try {
      const wasRefused = await Promise.race([again.then(() => true), sleep(1500).then(() => false)]);
      expect(wasRefused).toBe(false);
    } finally {
      await deployment.redis.ask('CONFIG', 'SET', 'min-replicas-to-write', 0);
    }
    gate.open();
    expect(await again).toMatchObject({
      status: 200,
      body: { turn_id: turnIdOf(own), reply: 'begun and ended', message_count: 2 },
    });
  },
);
