import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { createRandom } from '../../testkit/seed.ts';
import { getSession, listSessions, promptFor, saidIn } from '../../testkit/server/api.ts';
import { replicaOf, say, startDeployment, startStore } from '../../testkit/server/deployment.ts';
import { chatUntilAnswered, timed } from '../../testkit/server/patient.ts';
import { expectRefusals, holdAt, lastSaid, recovery } from '../support/outage.ts';
import { promise } from './promises.ts';

promise(
  'outage.restart-durable',
  'a Redis with an append-only file, killed under load, loses nothing acknowledged',
  async () => {
    const deployment = await startDeployment(2, {}, startStore('durable'));
    const { redis, replicas } = deployment;
    const gate = holdAt(deployment, 'long');
    const running = await say(replicaOf(deployment, 0), 'long', 'long');
    await running.until('delta');
    let isOver = false;
    const sessions = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const [id, said] = [`durable${index}`, [] as string[]];
        while (!isOver) {
          const message = `${id} says ${said.length}`;
          const { body } = await chatUntilAnswered([replicaOf(deployment, index % 2)], id, message);
          expect(body).toMatchObject({ reply: `echo:${message}`, message_count: 2 * said.length + 2 });
          said.push(message);
          if (index === 0 && said.length === 10) {
            await redis.kill();
            await sleep(500);
            await redis.restart();
          }
          isOver ||= index === 0 && said.length === 20;
        }
        return { id, said };
      }),
    );
    for (const { id, said } of sessions) {
      const expected = said.flatMap((message) => [message, `echo:${message}`]);
      for (const replica of replicas) expect(await saidIn(replica, id)).toEqual(expected);
    }
    gate.open();
    expect((await running.all()).at(-1)?.event).toBe('done');
    expect(await saidIn(replicaOf(deployment, 1), 'long')).toEqual(['long', 'begun and ended']);
  },
  60_000,
);

promise(
  'outage.restart-empty',
  'after Redis restarts empty, sessions are gone, and no cached history of a replica is mixed in',
  async () => {
    const deployment = await startDeployment(2, {}, startStore('restarts'));
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const gate = holdAt(deployment, 'running');
    for (const replica of [a, b]) await chat(replica, 'forgotten', 'my secret');
    const running = await say(a, 'forgotten', 'running');
    await running.until('delta');
    await deployment.redis.kill();
    await deployment.redis.restart();
    await recovery(a, 'other');
    await recovery(b, 'other');
    expect((await getSession(a, 'forgotten')).status).toBe(404);
    expect((await listSessions(b)).body.sessions.map(({ session_id }) => session_id)).toEqual(['other']);
    const fresh = await chat(a, 'forgotten', 'who am I');
    expect(fresh.body.message_count).toBe(2);
    await chat(b, 'forgotten', 'and now');
    expect(promptFor(deployment.model, 'and now').map(({ content }) => content)).toEqual([
      'who am I',
      'echo:who am I',
      'and now',
    ]);
    gate.open();
    expect((await running.all()).at(-1)).toMatchObject({ event: 'error', data: { code: 'session_deleted' } });
    expect(await saidIn(b, 'forgotten')).toEqual(['who am I', 'echo:who am I', 'and now', 'echo:and now']);
  },
);

promise(
  'outage.refused-never-runs',
  'while Redis is frozen turns are refused within a second, and no refused turn runs when it wakes',
  async () => {
    const deployment = await startDeployment(2, {}, startStore('restarts'));
    const { redis, model } = deployment;
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    await chat(a, 'down', 'before');
    const gate = holdAt(deployment, 'long');
    const running = await say(a, 'long', 'long');
    await running.until('delta');
    const coalescing = await say(b, 'long', 'waits');
    await coalescing.until('queued');
    redis.pause();
    const behind = [a, b].map((replica) => timed(chat(replica, 'long', 'refused')));
    const joining = [a, b].map((replica) => timed(chat(replica, 'long', 'refused', { onBusy: 'coalesce' })));
    const urgent = [a, b].map((replica) => timed(chat(replica, 'long', 'refused', { onBusy: 'rollback' })));
    for (const { status } of await Promise.all([...behind, ...joining, ...urgent])) expect(status).toBe(503);
    const slowest = Math.max(await expectRefusals(a, 'down'), await expectRefusals(b, 'down'));
    redis.resume();
    const backMs = await Promise.all([a, b].map((replica) => recovery(replica, `back${replica.port}`)));
    console.info(
      `Redis frozen: refused in ${slowest.toFixed(0)} ms at most; ` +
        `back ${backMs.map((ms) => ms.toFixed(0)).join(' and ')} ms after it woke`,
    );
    await sleep(2500);
    gate.open();
    expect((await running.all()).at(-1)?.event).toBe('done');
    expect((await coalescing.all()).at(-1)?.event).toBe('done');
    expect(await saidIn(a, 'long')).toEqual(['long', 'begun and ended', 'waits', 'echo:waits']);
    expect(JSON.stringify(model.requests.map(({ messages }) => messages))).not.toContain('refused');
    const { body } = await chat(b, 'down', 'refused', { idempotencyKey: 'refused' });
    expect(body).toMatchObject({ reply: 'echo:refused', message_count: 4 });
    expect(await saidIn(a, 'down')).toEqual(['before', 'echo:before', 'refused', 'echo:refused']);
  },
  40_000,
);

promise(
  'outage.short-freezes',
  'through freezes about as long as the timeout of a request, a turn is answered and stored once, or refused and never run',
  async () => {
    const deployment = await startDeployment(2, { QUEUE_MAX: '100' }, startStore('restarts'));
    const { redis, model } = deployment;
    const random = createRandom();
    const asked: Promise<{ readonly id: string; readonly message: string; readonly status: number }>[] = [];
    for (let freeze = 0; freeze < 12; freeze += 1) {
      const lengthMs = random.int(300, 1000);
      const instants = Array.from({ length: 8 }, () => random.int(-20, lengthMs)).sort((x, y) => x - y);
      const begunAt = performance.now();
      const until = (ms: number) => sleep(Math.max(0, begunAt + 30 + ms - performance.now()));
      const freezing = until(0).then(() => redis.pause());
      for (const [index, instant] of instants.entries()) {
        await until(instant);
        // Half of them each in a new session, half one behind the other in one session.
        const id = index % 2 === 0 ? `frozen${freeze}-${index}` : 'frozen';
        const message = `asked ${freeze}-${index}`;
        const on = replicaOf(deployment, random.int(0, 1));
        asked.push(timed(chat(on, id, message)).then(({ status }) => ({ id, message, status })));
      }
      await freezing;
      await until(lengthMs);
      redis.resume();
      await sleep(random.int(50, 300));
    }
    const told = await Promise.all(asked);
    await recovery(replicaOf(deployment, 0), 'after');
    await recovery(replicaOf(deployment, 1), 'after');
    await sleep(2500);
    const stored = new Map<string, readonly string[]>();
    for (const { id, message, status } of told) {
      if (!stored.has(id)) stored.set(id, await saidIn(replicaOf(deployment, 0), id));
      const times = (text: string) => stored.get(id)?.filter((said) => said === text).length;
      const calls = model.requests.filter((request) => lastSaid(request) === message).length;
      const kept = status === 200 ? 1 : 0;
      expect([message, status, times(message), times(`echo:${message}`)]).toEqual([
        message,
        status,
        kept,
        kept,
      ]);
      if (status !== 200) expect([message, status, calls]).toEqual([message, 503, 0]);
    }
    const counts = [200, 503].map((wanted) => told.filter(({ status }) => status === wanted).length);
    console.info(`short freezes: ${counts[0]} answered, ${counts[1]} refused`);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  },
  60_000,
);
