import { beforeAll, expect } from 'vitest';
import { call, chat, type ErrorBody } from '../../testkit/http/http.ts';
import { keyOf } from '../../testkit/redis/stored-session.ts';
import { getMessages, getSession, listSessions } from '../../testkit/server/api.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { WORKER: 'off' });
  replica = replicaOf(deployment, 0);
});

/** Values that no replica writes into a number field. */
const odd = ['1e20', 'Infinity', 'NaN', '-1', '0x10', '1.5', '', ' 7', 'x', '9'.repeat(16), '9'.repeat(400)];

const set = (id: string, key: string, field: string, value: string | number) =>
  deployment.redis.ask('HSET', keyOf({ id }, key), field, value);

promise(
  'edited.session',
  'metadata edited into nonsense is corrupt_session for that session, and hides no other',
  async () => {
    await chat(replica, 'well', 'hello');
    const wrong: string[] = [];
    for (const field of ['created_at', 'last_accessed', 'message_count', 'dropped']) {
      for (const value of odd) {
        await chat(replica, 'edited', 'hello');
        await set('edited', 'meta', field, value);
        const list = await listSessions(replica);
        const ids = (list.body.sessions ?? []).map(({ session_id }) => session_id);
        const answers = [await getSession(replica, 'edited'), await getMessages(replica, 'edited')];
        const isTold = answers.every(
          ({ status, body }) =>
            status === 200 || (body as Partial<ErrorBody>).error?.code === 'corrupt_session',
        );
        if (list.status !== 200 || !ids.includes('well') || !isTold) {
          wrong.push(`${field} ${value.slice(0, 20)}: ${JSON.stringify([list.status, ids, answers])}`);
        }
        await call(replica.url, 'DELETE', '/api/sessions/edited');
      }
    }
    expect(wrong).toEqual([]);
    await deployment.redis.ask('PEXPIREAT', keyOf({ id: 'well' }, 'meta'), '9000000000000000');
    expect((await listSessions(replica)).body.sessions).toHaveLength(1);
  },
);

promise(
  'edited.turn',
  'a record edited into nonsense is corrupt_session or read without it, and blocks neither replica nor Redis',
  async () => {
    const { body } = await chat(replica, 'record', 'hello');
    const path = `/api/sessions/record/turns/${body.turn_id}`;
    const wrong: string[] = [];
    for (const field of ['attempt', 'joined', 'created_at', 'started_at', 'message_count', 'messages']) {
      const key = keyOf({ id: 'record' }, `turn:${body.turn_id}`);
      const right = await deployment.redis.ask('HGET', key, field);
      for (const value of [...odd, '999999999']) {
        await deployment.redis.ask('HSET', key, field, value);
        const since = performance.now();
        const answer = await call<Partial<ErrorBody>>(replica.url, 'GET', path);
        const isTold = answer.status === 200 || answer.body.error?.code === 'corrupt_session';
        if (!isTold || performance.now() - since > 500) {
          wrong.push(`${field} ${value.slice(0, 20)}: ${JSON.stringify(answer.body)}`);
        }
      }
      if (right === null) await deployment.redis.ask('HDEL', key, field);
      else await deployment.redis.ask('HSET', key, field, String(right));
    }
    expect(wrong).toEqual([]);
    expect((await call(replica.url, 'GET', path)).status).toBe(200);
  },
);

promise('edited.lock', 'a lock without a turn blocks no turn, and the next turn removes it', async () => {
  deployment.model.reply(() => [{ delta: 'answer' }]);
  const lock = keyOf({ id: 'locked' }, 'lock');
  // Longer than a test: a turn that waits until it expires is too late.
  const leaveLock = () => deployment.redis.ask('SET', lock, 'without a holder', 'PX', 60_000);
  for (const message of ['first', 'second']) {
    await leaveLock();
    expect((await chat(replica, 'locked', message)).status).toBe(200);
    expect(await deployment.redis.ask('EXISTS', lock)).toBe(0);
  }
  const gate = deployment.model.gate();
  deployment.model.reply(() => [{ wait: gate }, { delta: 'answer' }]);
  const running = await say(replica, 'locked', 'runs');
  await gate.reached;
  const waiting = await say(replica, 'locked', 'waits');
  await waiting.until('queued');
  await leaveLock();
  gate.open();
  for (const reader of [running, waiting]) expect((await reader.all()).at(-1)?.event).toBe('done');
  expect(await deployment.redis.ask('EXISTS', lock)).toBe(0);
});

promise(
  'edited.joined',
  'a waiting turn whose count of joined messages was edited is answered, and others may join it',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ wait: gate }, { delta: 'answer' }]);
    const first = await say(replica, 'joined', 'first');
    await gate.reached;
    const waiting = await say(replica, 'joined', 'waiting');
    await waiting.until('queued');
    await set('joined', `turn:${turnIdOf(waiting)}`, 'joined', '999999999');
    const joiner = await say(replica, 'joined', 'joins', { onBusy: 'coalesce' });
    expect([joiner.status, turnIdOf(joiner)]).toEqual([200, turnIdOf(waiting)]);
    await set('joined', `turn:${turnIdOf(waiting)}`, 'joined', '999999999');
    gate.open();
    for (const reader of [first, waiting, joiner]) expect((await reader.all()).at(-1)?.event).toBe('done');
  },
);
