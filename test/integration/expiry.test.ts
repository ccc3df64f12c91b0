import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  deleteSession,
  getMessages,
  getSession,
  listSessions,
  promptFor,
  saidIn,
} from '../../testkit/server/api.ts';
import {
  type Deployment,
  historyOf,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
/** Sessions and ended turns expire after 2 s. */
let short: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, {
    SESSION_TTL_SECONDS: '2',
    SESSION_MAX_MESSAGES: '7',
    MODEL_MAX_RETRIES: '0',
    WORKER: 'off',
  });
  short = replicaOf(deployment, 0);
});
beforeEach(() => deployment.model.reply(echo));

/** Keys of a session and when they expire, ms since 1970, all read at one instant; -1: never. */
async function endsOf(id: string): Promise<Map<string, number>> {
  const prefix = `turnwise:{-/${id}}:`;
  const script = `local ends = {}
    for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
      ends[#ends + 1] = {key, redis.call('PEXPIRETIME', key)}
    end
    return ends`;
  // The key only routes the script to its Cluster node.
  const ends = await deployment.redis.ask('EVAL', script, 1, `${prefix}meta`, `${prefix}*`);
  return new Map((ends as [string, number][]).map(([key, end]) => [key.slice(prefix.length), end]));
}

/** The model stops at a gate for this message, and echoes others. */
function holdAt(message: string) {
  const gate = deployment.model.gate();
  deployment.model.reply((request) =>
    request.messages.at(-1)?.content === message ? [{ wait: gate }, ...echo(request)] : echo(request),
  );
  return gate;
}

promise(
  'expiry.together',
  'all keys of a session expire in the same millisecond, while turns run and wait and after they ended',
  async () => {
    const gate = holdAt('slow');
    await chat(short, 'together', 'first', { idempotencyKey: 'k' });
    const running = await say(short, 'together', 'slow');
    await gate.reached;
    const waiting = await say(short, 'together', 'behind');
    await waiting.until('queued');
    const [a, b] = [turnIdOf(running), turnIdOf(waiting)];
    const live = await waitFor(
      async () => {
        const ends = await endsOf('together');
        return ends.has(`log:${a}`) && ends;
      },
      { what: 'the running turn to be logged' },
    );
    const meta = live.get('meta') ?? 0;
    expect(meta).toBeGreaterThan(Date.now());
    for (const key of ['messages', 'queue', 'turns']) expect(live.get(key)).toBe(meta);
    // Each turn renews its own keys, with its beat or its poll.
    for (const key of [`turn:${a}`, `log:${a}`, `turn:${b}`, `log:${b}`]) {
      expect(live.get(key)).toBeGreaterThan(meta - 1200);
    }
    gate.open();
    await Promise.all([running.all(), waiting.all()]);
    const ends = await endsOf('together');
    expect([...ends.keys()].filter((key) => !/^(turn|log|idem):/.test(key)).toSorted()).toEqual([
      'messages',
      'meta',
      'turns',
    ]);
    expect(new Set(['messages', 'meta', 'turns'].map((key) => ends.get(key))).size).toBe(1);
    for (const [key, end] of ends)
      expect(`${key} ${end > 0 && end <= (ends.get('meta') ?? 0)}`).toBe(`${key} true`);
  },
);

promise(
  'expiry.idle',
  'a session expires after SESSION_TTL_SECONDS without a turn, and each turn restarts that time',
  async () => {
    const started = Date.now();
    await chat(short, 'idle', 'first');
    while (Date.now() - started < 2500) {
      expect((await chat(short, 'idle', 'still here')).status).toBe(200);
      await sleep(500);
    }
    const { body } = await getSession(short, 'idle');
    const left = Date.parse(body.expires_at) - Date.now();
    expect(left).toBeGreaterThan(500);
    expect(left).toBeLessThanOrEqual(2000);
    await waitFor(async () => (await getSession(short, 'idle')).status === 404, {
      what: 'the session to expire',
      timeoutMs: 4000,
    });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(body.expires_at) - 50);
    expect((await getMessages(short, 'idle')).status).toBe(404);
    expect((await listSessions(short)).body.sessions.map(({ session_id }) => session_id)).not.toContain(
      'idle',
    );
    expect([...(await endsOf('idle')).keys()]).toEqual([]);
    expect((await chat(short, 'idle', 'who am I')).body.message_count).toBe(2);
    expect(promptFor(deployment.model, 'who am I')).toHaveLength(1);
  },
);

promise(
  'expiry.joined-key',
  'the Idempotency-Key of a message that joined a waiting turn lives as long as that turn, and then as its record',
  async () => {
    const gate = holdAt('slow');
    const running = await say(short, 'joined', 'slow');
    await gate.reached;
    const waiting = await say(short, 'joined', 'behind', { idempotencyKey: 'first' });
    const join = () => say(short, 'joined', 'joins', { onBusy: 'coalesce', idempotencyKey: 'second' });
    const joined = await join();
    // Longer than the session TTL, so that a key that is not renewed has expired.
    await sleep(2600);
    const again = await join();
    expect([turnIdOf(joined), turnIdOf(again)]).toEqual([turnIdOf(waiting), turnIdOf(waiting)]);
    gate.open();
    for (const reader of [running, waiting, joined, again]) await reader.all();
    expect(await historyOf(short, 'joined')).toEqual([
      'user: slow',
      'assistant: echo:slow',
      'user: behind',
      'user: joins',
      'assistant: echo:joins',
    ]);
    const ends = await endsOf('joined');
    const keys = [...ends.keys()].filter((key) => key.startsWith('idem:'));
    expect(keys).toHaveLength(2);
    const recordEnd = ends.get(`turn:${turnIdOf(waiting)}`);
    expect(keys.map((key) => ends.get(key))).toEqual([recordEnd, recordEnd]);
  },
);

promise(
  'expiry.long-turn',
  'a turn that runs longer than the TTL of its session keeps it, its history, and the turns behind it',
  async () => {
    const gates = new Map([1, 2].map((ttlSeconds) => [`long${ttlSeconds}`, deployment.model.gate()]));
    deployment.model.reply((request) => {
      const gate = gates.get(request.messages.at(-1)?.content ?? '');
      return gate === undefined ? echo(request) : [{ wait: gate }, ...echo(request)];
    });
    const outlive = async (ttlSeconds: number) => {
      const [id, env] = [`long${ttlSeconds}`, { SESSION_TTL_SECONDS: String(ttlSeconds) }];
      const replica = await deployment.another({ ...env, KEY_PREFIX: id });
      await chat(replica, id, 'before');
      const running = await say(replica, id, id);
      const waiting = await say(replica, id, 'behind');
      await waiting.until('queued');
      const since = Date.now();
      while (Date.now() - since < ttlSeconds * 1000 + 1500) {
        expect((await getSession(replica, id)).status).toBe(200);
        await sleep(100);
      }
      gates.get(id)?.open();
      expect((await running.all()).at(-1)?.event).toBe('done');
      expect((await waiting.all()).at(-1)).toMatchObject({ event: 'done', data: { message_count: 6 } });
      expect(await saidIn(replica, id)).toEqual(
        ['before', id, 'behind'].flatMap((said) => [said, `echo:${said}`]),
      );
    };
    await Promise.all([outlive(2), outlive(1)]);
  },
);

promise(
  'expiry.ended-turn',
  'what is kept of an ended turn lives TURN_LOG_TTL_SECONDS, and no longer than its session',
  async () => {
    const replica = await deployment.another({
      ...{ SESSION_TTL_SECONDS: '60', TURN_LOG_TTL_SECONDS: '1' },
      KEY_PREFIX: 'turnwise',
    });
    const { turn_id } = (await chat(replica, 'ended', 'hello', { idempotencyKey: 'k' })).body;
    const path = `/api/sessions/ended/turns/${turn_id}`;
    expect((await call(replica.url, 'GET', path)).status).toBe(200);
    const ends = await endsOf('ended');
    const [meta = 0, turn = 0] = [ends.get('meta'), ends.get(`turn:${turn_id}`)];
    expect(turn).toBeLessThanOrEqual(Date.now() + 1000);
    expect(turn).toBe(ends.get(`log:${turn_id}`));
    expect(turn).toBe([...ends].find(([key]) => key.startsWith('idem:'))?.[1]);
    expect(meta).toBeGreaterThan(turn + 50_000);
    await waitFor(async () => (await call(replica.url, 'GET', path)).status === 404, {
      what: 'the turn to go',
    });
    expect(await saidIn(replica, 'ended')).toEqual(['hello', 'echo:hello']);
    // The other way round: with 2 s for the session and 600 s for the log, the session decides.
    const other = await say(short, 'ended-first', 'hello');
    await other.all();
    const shorter = await endsOf('ended-first');
    expect(shorter.get(`log:${turnIdOf(other)}`)).toBeLessThanOrEqual(shorter.get('meta') ?? 0);
  },
);

promise(
  'expiry.most-messages',
  'past SESSION_MAX_MESSAGES the oldest whole turns are dropped, and the count still includes them',
  async () => {
    for (let turn = 1; turn <= 6; turn += 1) {
      const { body } = await chat(short, 'bounded', `turn ${turn}`);
      expect(body.message_count).toBe(2 * turn);
      // Seven would be three and a half turns: a turn is never cut.
      const expected = [turn - 2, turn - 1, turn].filter((kept) => kept > 0);
      const { messages, has_more } = (await getMessages(short, 'bounded')).body;
      expect(messages.map(({ content }) => content)).toEqual(
        expected.flatMap((kept) => [`turn ${kept}`, `echo:turn ${kept}`]),
      );
      expect(has_more).toBe(false);
      expect((await getSession(short, 'bounded')).body.message_count).toBe(2 * turn);
    }
    const ids = (await getMessages(short, 'bounded')).body.messages.map(({ id }) => id);
    const page = (await getMessages(short, 'bounded', `limit=2&before=${ids[4]}`)).body;
    expect(page.messages.map(({ content }) => content)).toEqual(['turn 5', 'echo:turn 5']);
    expect(page.has_more).toBe(true);
    const gone = await getMessages(short, 'bounded', `before=${ids[0]}`);
    expect(gone.body).toEqual({ messages: [], has_more: false });
    expect(promptFor(deployment.model, 'turn 6').map(({ content }) => content)).toEqual([
      ...['turn 3', 'echo:turn 3', 'turn 4', 'echo:turn 4', 'turn 5', 'echo:turn 5', 'turn 6'],
    ]);
  },
);

promise(
  'expiry.no-key-for-ever',
  'after turns that ended in every way each key of a session has a TTL, and all are gone in time',
  async () => {
    deployment.model.reply((request) => {
      const said = request.messages.at(-1)?.content ?? '';
      if (said.startsWith('fail')) return [{ status: 400 }];
      return said.startsWith('hang') ? [{ delta: 'half' }, { hang: true }] : echo(request);
    });
    await chat(short, 'mixed', 'fine', { idempotencyKey: 'a' });
    await chat(short, 'mixed', 'fail');
    const hanging = await say(short, 'mixed', 'hang');
    await hanging.until('delta');
    const waiting = await say(short, 'mixed', 'waits');
    const refused = await chat(short, 'mixed', 'no', { onBusy: 'reject' });
    expect(refused.status).toBe(409);
    await call(short.url, 'POST', `/api/sessions/mixed/turns/${turnIdOf(waiting)}/cancel`);
    const next = await say(short, 'mixed', 'hang again', { onBusy: 'interrupt' });
    await next.until('delta');
    const joined = ['one', 'two'].map((message) =>
      chat(short, 'mixed', message, { onBusy: 'coalesce', idempotencyKey: message }),
    );
    await call(short.url, 'PATCH', '/api/sessions/mixed', { title: 'x' });
    await call(short.url, 'POST', `/api/sessions/mixed/turns/${turnIdOf(next)}/cancel`);
    for (const answer of await Promise.all(joined)) expect(answer.status).toBe(200);
    await say(short, 'dropped', 'hang');
    await deleteSession(short, 'dropped');
    const ends = await endsOf('mixed');
    expect([...ends].filter(([, end]) => end === -1)).toEqual([]);
    expect(ends.size).toBeGreaterThan(5);
    expect([...(await endsOf('dropped')).keys()]).toEqual([]);
    const isEmpty = async () => (await endsOf('mixed')).size === 0;
    await waitFor(isEmpty, { what: 'the last key of the session to go', timeoutMs: 6000 });
  },
);
