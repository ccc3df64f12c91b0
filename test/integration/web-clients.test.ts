import { connect } from 'node:net';
import { beforeAll, expect } from 'vitest';
import { call, chat, openRequest } from '../../testkit/http/http.ts';
import { openStream, type SseReader } from '../../testkit/http/sse.ts';
import {
  type Deployment,
  follow,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { MAX_STREAMS: '3' });
});

/** Sends the same POST again, as a library does after its connection broke. */
function post(
  replica: { readonly url: string },
  id: string,
  headers: Readonly<Record<string, string>>,
): Promise<SseReader> {
  const body = { message: 'hello', conversation_id: id };
  return openStream(`${replica.url}/api/chat/stream`, { method: 'POST', body, headers });
}

promise(
  'resume.post-again',
  'the same POST with its key and Last-Event-ID continues after that event, on any replica; 204 if it was the last',
  async () => {
    const [here, there] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    for (const [name, other] of [
      ['here', here],
      ['there', there],
    ] as const) {
      const gate = deployment.model.gate();
      deployment.model.reply(() => [{ delta: 'one ' }, { wait: gate }, { delta: 'two' }]);
      const key = { 'idempotency-key': name };
      const first = await post(here, name, key);
      await first.until('delta');
      first.destroy();
      const again = await post(other, name, { ...key, 'last-event-id': String(first.events.at(-1)?.id) });
      gate.open();
      await again.all();
      expect([name, turnIdOf(again), again.events.map(({ event }) => event), again.text()]).toEqual([
        name,
        turnIdOf(first),
        ['delta', 'done'],
        'two',
      ]);
      const last = String(again.events.at(-1)?.id);
      expect((await post(other, name, { ...key, 'last-event-id': last })).status).toBe(204);
      const whole = await post(other, name, key);
      await whole.all();
      expect(whole.text()).toBe('one two');
      // Last-Event-ID of one turn means nothing for the next.
      const next = await post(other, name, { 'last-event-id': last });
      await next.all();
      expect([next.events[0]?.event, next.text()]).toEqual(['started', 'one two']);
      expect((await post(other, name, { ...key, 'last-event-id': 'x' })).status).toBe(400);
    }
  },
);

promise(
  'resume.by-query',
  'a client that cannot set headers continues after ?lastEventId; a header takes precedence',
  async () => {
    const replica = replicaOf(deployment, 0);
    deployment.model.reply(() => [{ delta: 'one ' }, { delta: 'two ' }, { delta: 'three' }]);
    const own = await say(replica, 'query', 'hello');
    const events = await own.all();
    const path = `/api/sessions/query/turns/${turnIdOf(own)}/stream`;
    const [, second, third] = events.map(({ id }) => id);
    const byQuery = await openStream(`${replica.url}${path}?lastEventId=${second}`);
    await byQuery.all();
    expect(byQuery.text()).toBe('two three');
    const both = await openStream(`${replica.url}${path}?lastEventId=${second}`, {
      headers: { 'last-event-id': String(third) },
    });
    await both.all();
    expect(both.text()).toBe('three');
    expect((await call(replica.url, 'GET', `${path}?lastEventId=x`)).status).toBe(400);
  },
);

promise(
  'stream.head',
  'HEAD on a stream returns its head at once, and holds neither the connection nor a reader slot',
  async () => {
    const replica = replicaOf(deployment, 0);
    const gate = deployment.model.gate();
    deployment.model.reply((request) =>
      request.messages.at(-1)?.content === 'held' ? [{ wait: gate }] : [{ delta: 'quick' }],
    );
    const own = await say(replica, 'head', 'held');
    const path = `/api/sessions/head/turns/${turnIdOf(own)}/stream`;
    const socket = connect(replica.port, '127.0.0.1');
    socket.write(
      `HEAD ${path} HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    let got = '';
    for await (const piece of socket.setEncoding('utf8')) got += piece;
    expect(got).toMatch(/^HTTP\/1\.1 200 /);
    expect(got).toMatch(/^content-type: text\/event-stream/m);
    expect(got).toMatch(new RegExp(`^x-turn-id: ${turnIdOf(own)}\r$`, 'm'));
    expect(got).toContain('{"status":"alive"}');
    const heads = await Promise.all(
      Array.from({ length: 6 }, () => openRequest(`${replica.url}${path}`, { method: 'HEAD' })),
    );
    expect(heads.map(({ statusCode }) => statusCode)).toEqual(Array(6).fill(200));
    // MAX_STREAMS is 3, and one place is taken.
    expect((await chat(replica, 'head-other', 'hello')).status).toBe(200);
    gate.open();
    const last = (await own.all()).at(-1);
    const after = { 'last-event-id': String(last?.id) };
    expect((await openRequest(`${replica.url}${path}`, { method: 'HEAD', headers: after })).statusCode).toBe(
      204,
    );
    const gone = await openRequest(`${replica.url}/api/sessions/head/turns/tnone/stream`, { method: 'HEAD' });
    expect(gone.statusCode).toBe(404);
    const chatHead = await openRequest(`${replica.url}/api/chat`, { method: 'HEAD' });
    expect([chatHead.statusCode, chatHead.headers.allow]).toEqual([405, 'POST']);
    expect((await follow(replica, 'head', turnIdOf(own))).status).toBe(200);
  },
);

promise(
  'cors.origins',
  'app and extension origins can be allowed; an origin is compared as browsers send it, and one that no browser sends is refused at the start',
  async () => {
    const setting =
      'https://Chat.Example:443, http://localhost:3000/, tauri://localhost, capacitor://localhost, chrome-extension://AbCdef';
    const replica = await deployment.another({ CORS_ORIGINS: setting });
    for (const origin of [
      'https://chat.example',
      'http://localhost:3000',
      'tauri://localhost',
      'capacitor://localhost',
      'chrome-extension://abcdef',
    ]) {
      const { headers } = await call(replica.url, 'OPTIONS', '/api/chat', undefined, {
        origin,
        'access-control-request-method': 'POST',
      });
      expect([origin, headers['access-control-allow-origin']]).toEqual([origin, origin]);
    }
    const { headers } = await call(replica.url, 'GET', '/livez', undefined, {
      origin: 'https://evil.example',
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    for (const wrong of [
      '*',
      'https://*.example.com',
      'chat.example',
      'https://chat.example/path',
      'null',
      'https://user@x',
    ]) {
      const refused = deployment.another({ CORS_ORIGINS: wrong });
      await expect(refused).rejects.toThrow(/CORS_ORIGINS: expected origins such as/);
    }
  },
);

promise(
  'bodies.none',
  'a request without a body may have any content type; a route that needs a body says so',
  async () => {
    const replica = replicaOf(deployment, 0);
    deployment.model.reply(() => [{ delta: 'well' }]);
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
      const own = await say(replica, 'typed', 'hello');
      await own.all();
      const headers = { 'content-type': type };
      const path = `/api/sessions/typed/turns/${turnIdOf(own)}/cancel`;
      expect([type, (await call(replica.url, 'POST', path, undefined, headers)).status]).toEqual([type, 200]);
      const gone = await call(replica.url, 'DELETE', '/api/sessions/typed', undefined, headers);
      expect([type, gone.status]).toEqual([type, 200]);
      const empty = await call(replica.url, 'POST', '/api/chat', undefined, headers);
      expect([type, empty.status, empty.body.error]).toMatchObject([type, 400, { code: 'invalid_request' }]);
    }
  },
);
