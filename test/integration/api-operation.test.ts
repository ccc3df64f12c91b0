import { beforeAll, expect } from 'vitest';
import { call, chat, type ErrorBody } from '../../testkit/http/http.ts';
import { deleteSession, listSessions } from '../../testkit/server/api.ts';
import { type Deployment, replicaOf, startDeployment, startStore } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, {}, startStore('restarts'));
  replica = replicaOf(deployment, 0);
});

const get = (path: string) => call(replica.url, 'GET', path);

promise('api.health', 'health is healthy, and counts the live sessions', async () => {
  for (const id of ['a', 'b', 'c']) await chat(replica, id, 'hello');
  await deleteSession(replica, 'b');
  const { status, body } = await get('/health');
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'healthy', agent_initialized: true, session_count: 2 });
  expect((await listSessions(replica)).body.total).toBe(2);
});

promise(
  'api.health.without-redis',
  'without Redis health and readiness are 503 and a chat is refused within a second, and all recover by themselves',
  async () => {
    const answersWithin = async (what: Promise<{ status: number }>) => {
      const since = performance.now();
      const { status } = await what;
      return { status, ms: performance.now() - since };
    };
    deployment.redis.pause();
    try {
      const health = get('/health');
      const refused = chat(replica, 'a', 'hello');
      for (const [what, status] of [
        [health, 503],
        [get('/readyz'), 503],
        [refused, 503],
        [get('/livez'), 200],
      ] as const) {
        const answer = await answersWithin(what);
        expect(answer.status).toBe(status);
        expect(answer.ms).toBeLessThan(1000);
      }
      expect((await health).body).toMatchObject({ status: 'unhealthy', session_count: null });
      expect((await refused).body).toMatchObject({ error: { code: 'redis_unavailable' } });
      expect(Number((await refused).headers['retry-after'])).toBeGreaterThan(0);
    } finally {
      deployment.redis.resume();
    }
    await waitFor(async () => (await get('/readyz')).status === 200, {
      what: 'the replica to be ready again',
    });
    expect((await chat(replica, 'back', 'hello')).status).toBe(200);
    expect((await get('/health')).body).toMatchObject({ status: 'healthy' });
  },
);

promise(
  'api.readyz.draining',
  'after SIGTERM readiness is draining at once, the process stays live and accepts turns, then exits 0',
  async () => {
    const leaving = await deployment.another({ SHUTDOWN_DELAY_SECONDS: '1', KEY_PREFIX: 'leaving' });
    leaving.term();
    const readiness = await waitFor(
      async () => {
        const answer = await call<ErrorBody>(leaving.url, 'GET', '/readyz');
        return answer.status === 503 && answer;
      },
      { what: 'the replica to be unready', timeoutMs: 900 },
    );
    expect(readiness.body.error.code).toBe('draining');
    expect(Number(readiness.headers['retry-after'])).toBeGreaterThan(0);
    expect((await call(leaving.url, 'GET', '/livez')).status).toBe(200);
    expect((await chat(leaving, 'late', 'hello')).status).toBe(200);
    expect(await leaving.exited).toBe(0);
  },
);

promise('api.metrics', 'metrics are Prometheus text that counts turns by outcome', async () => {
  const answer = await call<string>(replica.url, 'GET', '/metrics');
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toMatch(/^text\/plain\b.*version=/);
  const counted = /^turnwise_turns_ended_total\{outcome="completed"\} (\d+)$/m;
  const before = Number(counted.exec(answer.body)?.[1] ?? 0);
  await chat(replica, 'counted', 'hello');
  await call(replica.url, 'GET', '/metrics');
  // So soon after the last scrape that nothing was measured in between.
  const after = (await call<string>(replica.url, 'GET', '/metrics')).body;
  expect(Number(counted.exec(after)?.[1])).toBe(before + 1);
  expect(after).toMatch(/^turnwise_live_turns 0$/m);
  expect(after).toMatch(/^turnwise_open_streams 0$/m);
  for (const line of after.split('\n').filter((text) => text !== '')) {
    expect(line).toMatch(/^(#.*|[a-z_][a-z0-9_]*(\{[^}]*\})? ([0-9.e+-]+|NaN|[+-]Inf))$/);
  }
});

promise('api.docs', 'the documentation page is served with all that it loads', async () => {
  const page = await call<string>(replica.url, 'GET', '/docs/');
  expect(page).toMatchObject({ status: 200 });
  expect(page.headers['content-type']).toMatch(/^text\/html\b/);
  expect((await get('/docs')).status).toBe(200);
  const parts = [...page.body.matchAll(/(?:src|href)="\.?\/?(?:docs\/)?([^":]+)"/g)].map(([, path]) => path);
  expect(parts.length).toBeGreaterThan(3);
  for (const path of parts) expect(await get(`/docs/${path}`)).toMatchObject({ status: 200 });
});

const paths = {
  '/api/chat': ['POST'],
  '/api/chat/stream': ['POST'],
  '/api/sessions': ['GET'],
  '/api/sessions/x': ['GET', 'PATCH', 'DELETE'],
  '/api/sessions/x/messages': ['GET'],
  '/api/sessions/x/turns/y': ['GET'],
  '/api/sessions/x/turns/y/stream': ['GET'],
  '/api/sessions/x/turns/y/cancel': ['POST'],
  '/health': ['GET'],
  '/livez': ['GET'],
  '/readyz': ['GET'],
  '/metrics': ['GET'],
  '/openapi.json': ['GET'],
};

promise(
  'api.errors.method',
  'an unsupported method on a route is 405 with the supported methods, in the common error format',
  async () => {
    const wrong: string[] = [];
    for (const [path, allowed] of Object.entries(paths)) {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        if (allowed.includes(method) || (method === 'HEAD' && allowed.includes('GET'))) continue;
        const { status, headers, body } = await call<Partial<ErrorBody>>(replica.url, method, path);
        // OPTIONS, for CORS or for the methods, may also succeed.
        if (method === 'OPTIONS' && status === 204) continue;
        const named = new Set(String(headers.allow).split(/, */));
        const isRight = status === 405 && named.has(allowed[0] ?? '') && !named.has(method);
        const isTold =
          body.error?.code === 'method_not_allowed' && body.error.request_id === headers['x-request-id'];
        // The answer to HEAD has no body.
        if (!isRight || (method !== 'HEAD' && !isTold))
          wrong.push(`${method} ${path}: ${status} ${JSON.stringify(body).slice(0, 80)}`);
      }
    }
    expect(wrong).toEqual([]);
    const headers = { 'content-type': 'text/plain' };
    expect((await call(replica.url, 'PUT', '/api/chat', 'no JSON', headers)).status).toBe(405);
  },
);

promise(
  'api.errors.no-route',
  'an unknown route is 404 not_found in the common error format, with any method',
  async () => {
    for (const path of ['/', '/api', '/api/chat/', '/api/chats', '//api/sessions', '/api/sessions/x/y']) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const { status, headers, body } = await call<ErrorBody>(replica.url, method, path);
        expect(`${method} ${path} ${status}`).toBe(`${method} ${path} 404`);
        expect(body).toEqual({
          error: {
            code: 'not_found',
            message: expect.any(String),
            request_id: headers['x-request-id'],
          },
        });
      }
    }
  },
);
