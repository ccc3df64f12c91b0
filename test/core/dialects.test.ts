import { beforeAll, beforeEach, expect } from 'vitest';
import { DOORS } from '../../src/http/doors.ts';
import { call } from '../../testkit/http/http.ts';
import { openStream, type SseReader } from '../../testkit/http/sse.ts';
import { echo, type ScriptedModel, startScriptedModel } from '../../testkit/model/scripted-model.ts';
import type { RedisServer } from '../../testkit/redis/redis.ts';
import { type RedisProxy, startRedisProxy } from '../../testkit/redis/redis-proxy.ts';
import { scriptNamesOfSources } from '../../testkit/redis/script-names.ts';
import { follow, say, startStore, turnIdOf } from '../../testkit/server/deployment.ts';
import { startInProcess } from '../../testkit/server/in-process.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { numberedDoor, talkDoor } from '../support/throwaway-doors.ts';
import { promise } from './promises.ts';

let redis: RedisServer;
let model: ScriptedModel;
let proxy: RedisProxy;
/** Connects to Redis through the proxy; the other one does not. */
let replica: Replica;
let other: Replica;

beforeAll(async () => {
  [{ redis }, model] = await Promise.all([startStore(), startScriptedModel()]);
  proxy = await startRedisProxy(redis.port, scriptNamesOfSources());
  const doors = [...DOORS, numberedDoor, talkDoor];
  const start = (redisUrl: string) =>
    startInProcess(
      { redisUrl, modelUrl: model.url, env: { WORKER: 'off', LOG_LEVEL: 'warn', LOCK_TTL_MS: '1000' } },
      doors,
    );
  const { pathname } = new URL(redis.url);
  [replica, other] = await Promise.all([start(`${proxy.url}${pathname}`), start(redis.url)]);
});
beforeEach(() => model.reply(echo));

const shownBy = (reader: SseReader) => reader.events.map(({ data }) => data);

function askNumbered(at: Replica, id: string, text: string): Promise<SseReader> {
  return openStream(`${at.url}/numbered?id=${id}&text=${text}`, { method: 'POST' });
}

promise(
  'dialect.numbers',
  'a dialect that numbers its events shows each once it is logged, with the same number on every replica',
  async () => {
    const [begin, gate] = [model.gate(), model.gate()];
    model.reply(() => [{ wait: begin }, { delta: 'one' }, { wait: gate }, { delta: 'two' }]);
    const own = await askNumbered(replica, 'n', 'hello');
    const turnId = turnIdOf(own);
    const native = await follow(replica, 'n', turnId);
    // Not before the lookup of the second reader: while an append is held, the replica gets no reply to any command.
    const appending = proxy.trap('request', ({ name, session }) => name === 'append-log' && session === 'n');
    begin.open();
    await appending.caught;
    await native.until('delta');
    expect(shownBy(own)).toEqual([]);
    appending.open();
    await own.next();
    expect(shownBy(own)).toEqual([{ n: 1, what: 'say', text: 'one' }]);
    const elsewhere = await openStream(`${other.url}/numbered?id=n&turn=${turnId}`);
    await elsewhere.next();
    gate.open();
    const all = [
      { n: 1, what: 'say', text: 'one' },
      { n: 2, what: 'say', text: 'two' },
      { n: 3, what: 'done', text: '' },
      '[DONE]',
    ];
    for (const reader of [own, elsewhere]) {
      await reader.all();
      expect(shownBy(reader)).toEqual(all);
    }
    const rest = await openStream(`${other.url}/numbered?id=n&turn=${turnId}&after=1`);
    await rest.all();
    expect(shownBy(rest)).toEqual(all.slice(1));
  },
);

promise(
  'dialect.numbers.taken-over',
  'after a takeover a dialect that numbers its events continues the numbering, also on the new replica',
  async () => {
    const gate = model.gate();
    let held = true;
    model.reply(() => (held ? [{ delta: 'half' }, { wait: gate }] : [{ delta: 'whole' }]));
    const leaving = await startInProcess(
      {
        redisUrl: redis.url,
        modelUrl: model.url,
        env: { WORKER: 'off', LOG_LEVEL: 'warn', SHUTDOWN_GRACE_SECONDS: '0' },
      },
      [...DOORS, numberedDoor],
    );
    const own = await askNumbered(leaving, 'taken', 'hello');
    await own.next();
    held = false;
    leaving.term();
    await leaving.exited;
    const turnId = turnIdOf(own);
    await waitFor(
      async () =>
        (await call<{ status: string }>(other.url, 'GET', `/api/sessions/taken/turns/${turnId}`)).body
          .status === 'completed',
      { what: 'the turn to be completed elsewhere' },
    );
    for (const at of [replica, other]) {
      const reader = await openStream(`${at.url}/numbered?id=taken&turn=${turnId}`);
      await reader.all();
      expect(shownBy(reader)).toEqual([
        { n: 1, what: 'say', text: 'half' },
        { n: 2, what: 'again', text: '' },
        { n: 3, what: 'say', text: 'whole' },
        { n: 4, what: 'done', text: '' },
        '[DONE]',
      ]);
    }
  },
);

promise(
  'dialect.errors',
  'a dialect reports errors in its own format and with its own status, before its head and after',
  async () => {
    const refused = await openStream(`${replica.url}/numbered`, { method: 'POST' });
    expect([refused.status, await refused.json()]).toEqual([500, { problem: 'invalid_request' }]);
    const gate = model.gate();
    model.reply(() => [{ delta: 'one' }, { wait: gate }]);
    const own = await askNumbered(other, 'errors', 'hello');
    await own.next();
    const busy = await askNumbered(other, 'errors', 'again');
    expect([busy.status, await busy.json()]).toEqual([409, { problem: 'session_busy' }]);
    // Where the native API replies with its own error.
    expect(await (await say(other, 'errors', 'x', { onBusy: 'reject' })).json()).toMatchObject({
      error: { code: 'session_busy', stream_url: expect.stringContaining(turnIdOf(own)) },
    });
    await call(other.url, 'DELETE', '/api/sessions/errors');
    await own.all();
    expect(shownBy(own).slice(1)).toEqual([{ n: 2, what: 'error', text: '' }, '[DONE]']);
  },
);

promise(
  'dialect.cut',
  'a stream that cannot continue says so in its dialect, although it can send no status any more',
  async () => {
    const gate = model.gate();
    model.reply(() => [{ delta: 'one' }, { wait: gate }]);
    const leaving = await startInProcess(
      { redisUrl: redis.url, modelUrl: model.url, env: { WORKER: 'off', SHUTDOWN_GRACE_SECONDS: '0' } },
      [...DOORS, numberedDoor],
    );
    const own = await askNumbered(leaving, 'cut', 'hello');
    await own.next();
    leaving.term();
    await own.all();
    expect(shownBy(own).at(-1)).toEqual({ problem: 'draining' });
    gate.open();
  },
);

promise(
  'dialect.disconnect',
  'each turn has its own rule for a disconnect: one door cancels it, another lets it continue',
  async () => {
    const gate = model.gate();
    model.reply(() => [{ delta: 'one' }, { wait: gate }, { delta: 'two' }]);
    const statusOf = async (id: string, turnId: string) =>
      (await call<{ status: string }>(other.url, 'GET', `/api/sessions/${id}/turns/${turnId}`)).body.status;
    const [numbered, native] = [
      await askNumbered(other, 'left', 'hello'),
      await say(other, 'stays', 'hello'),
    ];
    await Promise.all([numbered.next(), native.until('delta')]);
    numbered.destroy();
    native.destroy();
    await waitFor(async () => (await statusOf('left', turnIdOf(numbered))) === 'cancelled', {
      what: 'the abandoned turn to be cancelled',
    });
    expect(await statusOf('stays', turnIdOf(native))).toBe('running');
    gate.open();
    await waitFor(async () => (await statusOf('stays', turnIdOf(native))) === 'completed', {
      what: 'the other one to end',
    });
  },
);

promise(
  'dialect.disconnect.early',
  'a client that disconnects before it is sent a head cancels its turn, where a disconnect cancels',
  async () => {
    model.reply(() => [{ delta: 'one' }, { hang: true }]);
    const confirming = proxy.trap(
      'request',
      ({ name, session }) => name === 'confirm-turn' && session === 'early',
    );
    const leaving = new AbortController();
    const asked = fetch(`${replica.url}/numbered?id=early&text=hello`, {
      method: 'POST',
      signal: leaving.signal,
    });
    await confirming.caught;
    leaving.abort();
    await expect(asked).rejects.toThrow();
    confirming.open();
    await waitFor(() => model.requests.at(-1)?.aborted === true, { what: 'the model call to be aborted' });
  },
);

promise(
  'dialect.websocket',
  'a dialect over a WebSocket works the same: admitted, followed, and refused in its own format',
  async () => {
    const socket = new WebSocket(`${other.url.replace('http', 'ws')}/talk?id=ws`);
    const heard: string[] = [];
    socket.addEventListener('message', ({ data }) => heard.push(String(data)));
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    socket.send('hello');
    await waitFor(() => heard.includes('(done)'), { what: 'the answer' });
    expect(heard.slice(0, -1).join('')).toBe('echo:hello');
    const gate = model.gate();
    model.reply(() => [{ wait: gate }]);
    heard.length = 0;
    socket.send('held');
    await gate.reached;
    socket.send('too much');
    await waitFor(() => heard.length > 0, { what: 'the refusal' });
    expect(heard).toEqual(['{"problem":"session_busy"}']);
    gate.open();
    socket.close();
  },
);
