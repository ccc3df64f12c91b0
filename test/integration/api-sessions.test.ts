import { beforeAll, beforeEach, expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  deleteSession,
  getMessages,
  getSession,
  listSessions,
  type SessionBody,
} from '../../testkit/server/api.ts';
import { type Deployment, replicaOf, say, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { promise } from './promises.ts';

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0', SESSION_TTL_SECONDS: '100' });
  replica = replicaOf(deployment, 0);
});
beforeEach(() => deployment.model.reply(echo));

const rename = (id: string, title: unknown) =>
  call<SessionBody>(replica.url, 'PATCH', `/api/sessions/${id}`, { title });
const idsOf = (sessions: readonly SessionBody[]) => sessions.map((session) => session.session_id);

promise(
  'api.sessions.shape',
  'a session shows title, times and count, the same alone and in the list, which is newest access first',
  async () => {
    const long = `${'长👋'.repeat(60)}`;
    for (const id of ['oldest', 'middle', 'newest']) await chat(replica, id, long);
    await chat(replica, 'oldest', 'again');
    const { status, body } = await getSession(replica, 'oldest');
    expect(status).toBe(200);
    expect(body).toEqual({
      session_id: 'oldest',
      title: [...long].slice(0, 80).join(''),
      created_at: expect.stringMatching(isoTime),
      last_accessed: expect.stringMatching(isoTime),
      expires_at: expect.stringMatching(isoTime),
      message_count: 4,
    });
    const [created, accessed, expires] = [body.created_at, body.last_accessed, body.expires_at].map(
      Date.parse,
    );
    expect(accessed).toBeGreaterThan(created ?? Number.NaN);
    expect(Math.abs((expires ?? 0) - (accessed ?? 0) - 100_000)).toBeLessThan(1000);
    const list = await listSessions(replica);
    expect(Object.keys(list.body).toSorted()).toEqual(['next_cursor', 'sessions', 'total']);
    expect(idsOf(list.body.sessions)).toEqual(['oldest', 'newest', 'middle']);
    expect(list.body).toMatchObject({ total: 3, next_cursor: null });
    expect(list.body.sessions[0]).toEqual(body);
  },
);

promise(
  'api.sessions.from-admission',
  'a session exists, empty, from the admission of its first turn, and remains when that turn fails',
  async () => {
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ wait: gate }, { status: 400 }]);
    const before = (await listSessions(replica)).body.total;
    const first = await say(replica, 'early', 'the first message');
    expect((await getSession(replica, 'early')).body).toMatchObject({
      message_count: 0,
      title: 'the first message',
    });
    expect((await getMessages(replica, 'early')).body).toEqual({ messages: [], has_more: false });
    gate.open();
    expect((await first.all()).at(-1)?.event).toBe('error');
    expect((await getSession(replica, 'early')).body.message_count).toBe(0);
    expect((await listSessions(replica)).body.total).toBe(before + 1);
  },
);

promise(
  'api.sessions.pages',
  'paging by cursor shows each remaining session once, while others are used, created and deleted',
  async () => {
    const still = Array.from({ length: 110 }, (_, index) => `still${index}`);
    await Promise.all(still.map((id) => chat(replica, id, 'x')));
    const other = await replicaWithPrefix('pages-own');
    const byDefault = await listSessions(replica, '');
    expect(byDefault.body.sessions).toHaveLength(100);
    expect(byDefault.body.next_cursor).toBeTypeOf('string');

    const restless = Array.from({ length: 12 }, (_, index) => `restless${index}`);
    await Promise.all(restless.map((id) => chat(other, id, 'x')));
    const calm = Array.from({ length: 20 }, (_, index) => `calm${index}`);
    for (const id of calm) await chat(other, id, 'x');
    const seen: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const query: string = `limit=7${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const { body } = await listSessions(other, query);
      expect(body.sessions.length).toBeLessThanOrEqual(7);
      expect(body.total).toBe(32 + pages);
      seen.push(...idsOf(body.sessions).filter((id) => id.startsWith('calm')));
      cursor = body.next_cursor;
      pages += 1;
      await chat(other, restless[pages] ?? '', 'again');
      await deleteSession(other, restless.at(-pages) ?? '');
      await Promise.all([chat(other, `new${pages}a`, 'x'), chat(other, `new${pages}b`, 'x')]);
    } while (cursor !== null);
    expect(pages).toBeGreaterThan(3);
    expect(seen.toSorted()).toEqual(calm.toSorted());
  },
);

function replicaWithPrefix(prefix: string): Promise<Replica> {
  return deployment.another({ KEY_PREFIX: prefix });
}

promise(
  'api.messages.pages',
  'messages come oldest first, the newest hundred by default, and page back to the beginning',
  async () => {
    for (let turn = 0; turn < 53; turn += 1) await chat(replica, 'long', `number ${turn}`);
    const all = Array.from({ length: 53 }, (_, turn) => [`number ${turn}`, `echo:number ${turn}`]).flat();
    const newest = (await getMessages(replica, 'long', '')).body;
    expect(newest.messages.map(({ content }) => content)).toEqual(all.slice(-100));
    expect(newest.has_more).toBe(true);
    expect(newest.messages[0]).toEqual({
      id: expect.any(String),
      turn_id: expect.any(String),
      role: 'user',
      content: 'number 3',
      created_at: expect.stringMatching(isoTime),
    });
    expect(newest.messages[1]).toMatchObject({ role: 'assistant', turn_id: newest.messages[0]?.turn_id });
    const read: string[] = [];
    for (let before = '', hasMore = true; hasMore; ) {
      const { body } = await getMessages(replica, 'long', `limit=9${before && `&before=${before}`}`);
      read.unshift(...body.messages.map(({ content }) => content));
      before = body.messages[0]?.id ?? '';
      hasMore = body.has_more;
    }
    expect(read).toEqual(all);
    const whole = await getMessages(replica, 'long', 'limit=106');
    expect(whole.body.messages).toHaveLength(106);
    expect(whole.body.has_more).toBe(false);
    const ids = whole.body.messages.map(({ id }) => id);
    expect(new Set(ids).size).toBe(106);
    const first = await getMessages(replica, 'long', `before=${ids[0]}`);
    expect(first.body).toEqual({ messages: [], has_more: false });
    expect(await getMessages(replica, 'nowhere')).toMatchObject({
      status: 404,
      body: { error: { code: 'session_not_found' } },
    });
  },
);

promise(
  'api.messages.committed-only',
  'messages show nothing of a running turn until it is committed',
  async () => {
    await chat(replica, 'half', 'first');
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'begun' }, { wait: gate }]);
    const stream = await say(replica, 'half', 'second');
    await stream.until('delta');
    expect((await getMessages(replica, 'half')).body.messages).toHaveLength(2);
    expect((await getSession(replica, 'half')).body.message_count).toBe(2);
    gate.open();
    await stream.all();
    expect((await getMessages(replica, 'half')).body.messages).toHaveLength(4);
  },
);

promise(
  'api.sessions.rename',
  'a title that was set remains, and nothing else of the session changes',
  async () => {
    await chat(replica, 'titled', 'first words');
    const before = (await getSession(replica, 'titled')).body;
    const renamed = await rename('titled', '标题 👋');
    expect(renamed).toMatchObject({ status: 200, body: { ...before, title: '标题 👋' } });
    await chat(replica, 'titled', 'more words');
    expect((await getSession(replica, 'titled')).body).toMatchObject({ title: '标题 👋', message_count: 4 });
    expect(await rename('nowhere', 'x')).toMatchObject({
      status: 404,
      body: { error: { code: 'session_not_found' } },
    });
    expect((await getSession(replica, 'nowhere')).status).toBe(404);
  },
);

promise(
  'api.sessions.delete',
  'a deleted session is gone from every route, and can be deleted only once',
  async () => {
    await chat(replica, 'doomed', 'hello');
    const { turn_id } = (await chat(replica, 'doomed', 'hello')).body;
    const { total } = (await listSessions(replica)).body;
    const deleted = await deleteSession(replica, 'doomed');
    expect(deleted).toMatchObject({ status: 200, body: { message: '会话已删除', session_id: 'doomed' } });
    expect(Object.keys(deleted.body)).toHaveLength(2);
    const gone = { status: 404, body: { error: { code: 'session_not_found' } } };
    expect(await deleteSession(replica, 'doomed')).toMatchObject(gone);
    expect(await getSession(replica, 'doomed')).toMatchObject(gone);
    expect(await getMessages(replica, 'doomed')).toMatchObject(gone);
    expect((await call(replica.url, 'GET', `/api/sessions/doomed/turns/${turn_id}`)).status).toBe(404);
    expect((await call(replica.url, 'GET', `/api/sessions/doomed/turns/${turn_id}/stream`)).status).toBe(404);
    const list = (await listSessions(replica)).body;
    expect(list.total).toBe(total - 1);
    expect(idsOf(list.sessions)).not.toContain('doomed');
  },
);
