import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { saidIn } from '../../testkit/server/api.ts';
import { replicaOf, say, startDeployment, startStore, turnIdOf } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { expectRefusals, holdAt, holdAtEach, lastSaid, outageMs, recovery } from '../support/outage.ts';
import { promise } from './promises.ts';

/** The model is held for as long as Redis is away. */
const PATIENT = { MODEL_IDLE_TIMEOUT_MS: '120000' };

promise(
  'outage.down',
  'while Redis is down requests are refused within a second; running turns keep their answers and commit when it is back',
  async () => {
    // Away longer than a lease: when Redis is back, every running turn looks abandoned.
    const deployment = await startDeployment(3, { LOCK_TTL_MS: '4000', ...PATIENT }, startStore('durable'));
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    await chat(a, 'down', 'before');
    const [gate, later] = holdAtEach(deployment, ['long', 'longer']);
    const others = await Promise.all(
      Array.from({ length: 12 }, (_, index) => say(index % 2 === 0 ? a : b, `other${index}`, 'longer')),
    );
    const streamed = await say(a, 'long', 'long');
    await streamed.until('delta');
    const waiting = await say(b, 'long', 'waits');
    await waiting.until('queued');
    const json = chat(b, 'long-json', 'long', { timeoutMs: outageMs + 30_000 });
    await waitFor(() => deployment.model.requests.length === 15, { what: 'all calls of the model' });
    await deployment.redis.kill();
    const downAt = performance.now();
    let slowest = 0;
    while (performance.now() - downAt < outageMs) {
      for (const replica of [a, b]) slowest = Math.max(slowest, await expectRefusals(replica, 'down'));
      // The answers complete while they cannot be stored.
      if (performance.now() - downAt > outageMs - 5000) gate?.open();
      await sleep(250);
    }
    expect(streamed.text()).toBe('begun and ended');
    expect(streamed.ended).toBeUndefined();
    await deployment.redis.restart();
    const backMs = await Promise.all([a, b].map((replica) => recovery(replica, `back${replica.port}`)));
    console.info(
      `Redis down: refused in ${slowest.toFixed(0)} ms at most; ` +
        `back ${backMs.map((ms) => ms.toFixed(0)).join(' and ')} ms after Redis`,
    );
    expect((await streamed.all()).at(-1)?.event).toBe('done');
    expect(streamed.events.map(({ event }) => event)).not.toContain('restarted');
    for (const [index, other] of others.entries()) {
      const key = `turnwise:{-/other${index}}:turn:${turnIdOf(other)}`;
      const isAnsweredFor = async () => Number(await deployment.redis.ask('HGET', key, 'lease')) > Date.now();
      await waitFor(isAnsweredFor, { what: 'some replica to answer for each turn' });
    }
    later?.open();
    for (const other of others) {
      expect((await other.all()).at(-1)?.event).toBe('done');
      expect(other.events.map(({ event }) => event)).not.toContain('restarted');
    }
    expect((await waiting.all()).at(-1)?.event).toBe('done');
    expect((await json).body).toMatchObject({ reply: 'begun and ended', message_count: 2 });
    expect(await saidIn(b, 'long')).toEqual(['long', 'begun and ended', 'waits', 'echo:waits']);
    for (const probe of ['/readyz', '/health']) expect((await call(a.url, 'GET', probe)).status).toBe(200);
    // A request sent earlier that has not run by now would run once its lease expires.
    await sleep(7000);
    expect(deployment.model.requests.map(lastSaid)).not.toContain('refused');
    expect(await saidIn(b, 'down')).toEqual(['before', 'echo:before']);
  },
  outageMs + 60_000,
);

promise(
  'outage.waits-quietly',
  'turns whose wait expires while Redis is away poll it rarely, and end as queue_timeout when it is back',
  async () => {
    const deployment = await startDeployment(1, { QUEUE_WAIT_SECONDS: '1' }, startStore('restarts'));
    const a = replicaOf(deployment, 0);
    const gate = holdAt(deployment, 'long');
    const running = await say(a, 'quiet', 'long');
    await running.until('delta');
    const waiting = await Promise.all([say(a, 'quiet', 'one'), say(a, 'quiet', 'two')]);
    await deployment.redis.kill();
    await sleep(4000);
    const { body } = await call<string>(a.url, 'GET', '/metrics');
    const asked = Number(/failures_total\{activity="turn_wait"\} (\d+)/.exec(body)?.[1]);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(20);
    await deployment.redis.restart();
    for (const reader of waiting) {
      // Whether Redis lost its data or not, the wait ends, and neither was sent to the model.
      expect((await reader.all()).at(-1)?.event).toBe('error');
    }
    gate.open();
    expect((await running.all()).at(-1)?.event).toBe('error');
    expect(deployment.model.requests).toHaveLength(1);
  },
);
