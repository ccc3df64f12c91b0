import Schema from 'typebox/schema';
import { beforeAll, expect } from 'vitest';
import { type Answer, call, chat } from '../../testkit/http/http.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { readSource } from '../support/source-files.ts';
import { promise } from './promises.ts';

interface Media {
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
  readonly headers?: Readonly<Record<string, object>>;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: Media & { readonly required?: boolean };
  readonly responses: Readonly<Record<string, Media>>;
}

interface Described {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const turn = '/api/sessions/{id}/turns/{turn_id}';
const response = '/v1/responses/{response_id}';
const conversation = '/v1/conversations/{conversation_id}';
const events = 'text/event-stream';

/** Every route, with the type of its successful reply. */
const routes = [
  ['POST', '/api/chat', 'application/json'],
  ['POST', '/api/chat/stream', events],
  ['GET', '/api/sessions', 'application/json'],
  ['GET', '/api/sessions/{id}', 'application/json'],
  ['PATCH', '/api/sessions/{id}', 'application/json'],
  ['DELETE', '/api/sessions/{id}', 'application/json'],
  ['GET', '/api/sessions/{id}/messages', 'application/json'],
  ['GET', turn, 'application/json'],
  ['GET', `${turn}/stream`, events],
  ['POST', `${turn}/cancel`, 'application/json'],
  ['POST', '/api/ui/chat', events],
  ['GET', '/api/ui/chat/{id}/stream', events],
  ['POST', '/api/ui/chat/{id}/stop', 'application/json'],
  ['POST', '/v1/chat/completions', 'application/json'],
  ['GET', '/v1/models', 'application/json'],
  ['GET', '/v1/models/{model}', 'application/json'],
  ['POST', '/v1/responses', 'application/json'],
  ['GET', response, 'application/json'],
  ['DELETE', response, 'application/json'],
  ['POST', `${response}/cancel`, 'application/json'],
  ['GET', `${response}/input_items`, 'application/json'],
  ['POST', '/v1/responses/input_tokens', 'application/json'],
  ['POST', '/v1/responses/compact', 'application/json'],
  ['POST', '/v1/conversations', 'application/json'],
  ['GET', '/v1/conversations', 'application/json'],
  ['GET', conversation, 'application/json'],
  ['POST', conversation, 'application/json'],
  ['DELETE', conversation, 'application/json'],
  ['POST', `${conversation}/items`, 'application/json'],
  ['GET', `${conversation}/items`, 'application/json'],
  ['GET', `${conversation}/items/{item_id}`, 'application/json'],
  ['DELETE', `${conversation}/items/{item_id}`, 'application/json'],
  ['POST', '/api/ag-ui', events],
  ['GET', '/api/ag-ui/{thread_id}/stream', events],
  ['GET', '/health', 'application/json'],
  ['GET', '/livez', 'application/json'],
  ['GET', '/readyz', 'application/json'],
  ['GET', '/metrics', 'text/plain'],
] as const;

let deployment: Deployment;
let replica: Replica;
let described: Described;

beforeAll(async () => {
  deployment = await startDeployment(1, { MODEL_MAX_RETRIES: '0' });
  replica = replicaOf(deployment, 0);
  described = (await call<Described>(replica.url, 'GET', '/openapi.json')).body;
});

function operationOf(method: string, path: string): Operation | undefined {
  return described.paths[path]?.[method.toLowerCase()];
}

/** The description of a status, or else of its class. */
function responseOf(method: string, path: string, status: number): Media | undefined {
  const responses = operationOf(method, path)?.responses ?? {};
  return responses[String(status)] ?? responses[`${Math.floor(status / 100)}XX`];
}

promise(
  'api.openapi.routes',
  'every route is described, with its reply type, its errors and a strict body',
  () => {
    expect(described.openapi).toMatch(/^3\.1\./);
    const listed = Object.entries(described.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed.toSorted()).toEqual(routes.map(([method, path]) => `${method} ${path}`).toSorted());
    const missing: string[] = [];
    for (const [method, path, kind] of routes) {
      const good = responseOf(method, path, 200)?.content?.[kind];
      if (good === undefined) missing.push(`${method} ${path}: 200 as ${kind}`);
      const isApi = /^\/(?:api|v1)\//.test(path);
      for (const status of isApi ? [400, 503] : []) {
        const schema = responseOf(method, path, status)?.content?.['application/json']?.schema;
        if (schema === undefined) missing.push(`${method} ${path}: ${status}`);
      }
      const body = operationOf(method, path)?.requestBody?.content?.['application/json']?.schema;
      const isBodiless = method === 'GET' || method === 'DELETE' || path.endsWith('/cancel');
      const needsBody = isApi && !isBodiless;
      if (needsBody !== (body !== undefined)) missing.push(`${method} ${path}: body`);
      // Apps of the AI SDK and of AG-UI send fields of their own.
      const isStrict = !/^\/api\/(?:ui|ag-ui)\b/.test(path);
      if (body !== undefined && isStrict)
        expect([path, body]).toMatchObject([path, { additionalProperties: false }]);
    }
    expect(missing).toEqual([]);
  },
);

promise(
  'api.openapi.headers-and-events',
  'the headers that a client sends and receives, every event of a stream, and the version are described',
  async () => {
    expect(described.info.version).toBe(JSON.parse(readSource('package.json').text).version);
    const headersOf = (method: string, path: string) =>
      (operationOf(method, path)?.parameters ?? [])
        .filter((one) => one.in === 'header')
        .map(({ name }) => name);
    expect(headersOf('POST', '/api/chat')).toEqual(['idempotency-key']);
    expect(headersOf('POST', '/api/chat/stream')).toEqual(['idempotency-key', 'last-event-id']);
    expect(headersOf('GET', `${turn}/stream`)).toEqual(['last-event-id']);
    for (const [method, path] of [
      ['POST', '/api/chat'],
      ['POST', '/api/chat/stream'],
      ['GET', `${turn}/stream`],
    ] as const) {
      const names = (status: number) => Object.keys(responseOf(method, path, status)?.headers ?? {});
      expect(names(200)).toEqual(['X-Session-ID', 'X-Turn-ID']);
      expect(names(503)).toContain('Retry-After');
    }

    const schema = responseOf('GET', `${turn}/stream`, 200)?.content?.[events]?.schema ?? {};
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'said' }, { wait: gate }]);
    const readers = [await say(replica, 'events', 'one'), await say(replica, 'events', 'two')];
    await readers[1]?.until('queued');
    const stopped = await say(replica, 'stopped', 'x');
    await stopped.until('delta');
    await call(replica.url, 'POST', `/api/sessions/stopped/turns/${turnIdOf(stopped)}/cancel`);
    readers.push(stopped);
    gate.open();
    for (const reader of readers) await reader.all();
    deployment.model.reply(() => [{ status: 500 }]);
    const failed = await say(replica, 'events', 'three');
    const all = [...readers.flatMap((reader) => reader.events), ...(await failed.all())];
    expect(new Set(all.map(({ event }) => event))).toEqual(
      new Set(['queued', 'started', 'delta', 'done', 'cancelled', 'error']),
    );
    expect(all.filter((event) => !Schema.Check(schema, event))).toEqual([]);
    expect(Schema.Check(schema, { id: '1-1', event: 'delta', data: { content: 1 } })).toBe(false);
  },
);

promise('api.openapi.replies', 'the replies of every route match its description', async () => {
  const wrong: string[] = [];
  const check = ({ status, body }: Answer<unknown>, method: string, path: string) => {
    const schema = responseOf(method, path, status)?.content?.['application/json']?.schema;
    if (schema === undefined) wrong.push(`${method} ${path} ${status} is not described`);
    else if (!Schema.Check(schema, body)) wrong.push(`${method} ${path} ${status} ${JSON.stringify(body)}`);
  };
  const ask = async (method: string, path: string, filled: string, body?: unknown) =>
    check(await call(replica.url, method, filled, body), method, path);

  check(await chat(replica, 'described', 'hello'), 'POST', '/api/chat');
  const gate = deployment.model.gate();
  deployment.model.reply(() => [{ delta: 'x' }, { wait: gate }]);
  const running = await say(replica, 'described', 'second');
  const waiting = await say(replica, 'described', 'third');
  const at = (stream: typeof running) => `/api/sessions/described/turns/${turnIdOf(stream)}`;
  await ask('GET', turn, at(running));
  await ask('GET', turn, at(waiting));
  await ask('POST', '/api/chat', '/api/chat', {
    ...{ message: 'x', conversation_id: 'described' },
    on_busy: 'reject',
  });
  await ask('POST', `${turn}/cancel`, `${at(waiting)}/cancel`);
  gate.open();
  await running.all();
  await ask('GET', turn, at(running));
  deployment.model.reply(() => [{ status: 500 }]);
  const failed = await say(replica, 'described', 'fourth');
  await failed.all();
  await ask('GET', turn, at(failed));
  await ask('POST', '/api/chat', '/api/chat', { message: 'fifth', conversation_id: 'described' });
  for (const [method, path] of routes) {
    if (path.startsWith('/api/chat') || path === '/metrics' || path.endsWith('/stream')) continue;
    const fill = (id: string) => path.replace('{id}', id).replace('{turn_id}', turnIdOf(running));
    const body = method === 'PATCH' ? { title: 'x' } : undefined;
    if (method !== 'DELETE') await ask(method, path, fill('described'), body);
    if (path.includes('{id}')) await ask(method, path, fill('nowhere'), body);
    if (path.includes('{id}')) await ask(method, path, fill('not%20an%20id'), body);
  }
  await ask('POST', '/api/chat', '/api/chat', { message: '' });
  await ask('DELETE', '/api/sessions/{id}', '/api/sessions/described');
  expect(wrong).toEqual([]);
});
