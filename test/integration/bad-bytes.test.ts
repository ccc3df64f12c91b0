import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, expect } from 'vitest';
import { call, chat, type ErrorBody } from '../../testkit/http/http.ts';
import { rawRequest } from '../../testkit/http/raw-http.ts';
import { openStream } from '../../testkit/http/sse.ts';
import { testSeed } from '../../testkit/seed.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { bothRoutes, chatRoutes, expectRefused, type Hostile, jsonType } from '../support/refusals.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;
/** An ended turn, for the requests about a turn. */
let turnId: string;

beforeAll(async () => {
  deployment = await startDeployment(1, { MAX_MESSAGE_BYTES: '1000', CONTEXT_TOKENS: '400', WORKER: 'off' });
  replica = replicaOf(deployment, 0);
  turnId = (await chat(replica, 'there', 'hello')).body.turn_id;
});

const chatBody = '{"message":"x","conversation_id":"there"}';

promise('bad-bytes.headers', 'undocumented headers are refused with their code', async () => {
  const keys = ['', 'x'.repeat(256)].map((key) => ({ ...jsonType, 'idempotency-key': key }));
  const path = `/api/sessions/there/turns/${turnId}/stream`;
  const places = ['x', '1', '1-', '-1-1', '1-1-1', '99999999999999999-1', '{}', '1-x', '0x1-1', '1-1, 1-2'];
  await expectRefused(
    deployment,
    [
      ...keys.flatMap((headers) => bothRoutes(chatBody, headers)),
      ...bothRoutes('{"message":"x"}', { ...jsonType, 'idempotency-key': 'k' }),
      ...bothRoutes(chatBody, { ...jsonType, 'idempotency-key': 'a\r\nidempotency-key: b' }),
      ...places.map(
        (id): Hostile => [`Last-Event-ID ${id}`, rawRequest('GET', path, { 'last-event-id': id })],
      ),
    ],
    400,
  );
  await expectRefused(
    deployment,
    chatRoutes.map((route) => [
      route,
      rawRequest('POST', route, { ...jsonType, 'x-long': 'x'.repeat(20_000) }, chatBody),
    ]),
    431,
  );
});

promise(
  'bad-bytes.type',
  'a body that is not application/json is 415, and no odd content type gets one past the schema',
  async () => {
    const types = [
      'text/plain',
      'text/plain;charset=utf-8',
      'application/xml',
      'multipart/form-data; boundary=x',
    ];
    types.push(
      'application/x-www-form-urlencoded',
      'application/jsonx',
      'json',
      'application/json garbage',
      '*/*',
    );
    await expectRefused(
      deployment,
      [
        ...types.flatMap((type) => bothRoutes(chatBody, { 'content-type': type })),
        ...bothRoutes(chatBody, {}),
      ],
      415,
    );
    const odd = ['application/json\t', 'APPLICATION/JSON ;', 'application/json;', 'application/json\t;x'];
    await expectRefused(
      deployment,
      [...odd, 'application/json,text/plain', 'application/json;charset=utf-16'].flatMap((type) =>
        bothRoutes('{"message":["x"],"role":"system"}', { 'content-type': type }),
      ),
      ...[400, 415],
    );
  },
);

promise(
  'bad-bytes.not-http',
  'bytes that are not HTTP, not UTF-8, or compressed, are refused in the common error format',
  async () => {
    const head =
      'POST /api/chat HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n';
    const body = '{"message":"x"}';
    const chunk = `f\r\n${body}\r\n0\r\n\r\n`;
    const half = Buffer.concat([Buffer.from('{"message":"'), Buffer.from([0xe8, 0x8c]), Buffer.from('"}')]);
    const bytes = (...parts: (string | Uint8Array)[]) =>
      Buffer.concat(parts.map((part) => Buffer.from(part)));
    await expectRefused(
      deployment,
      [
        ['no HTTP at all', 'hello\r\n\r\n'],
        ['an unknown method', 'FOO / HTTP/1.1\r\nhost: x\r\n\r\n'],
        ['no host', 'GET /health HTTP/1.1\r\nconnection: close\r\n\r\n'],
        ['a folded header', `${head} folded: x\r\ncontent-length: 15\r\n\r\n${body}`],
        ['a header with a NUL', `${head}x-session-id: a\0b\r\ncontent-length: 15\r\n\r\n${body}`],
        ['two lengths', `${head}content-length: 15\r\ncontent-length: 16\r\n\r\n${body}`],
        ['length and chunks', `${head}content-length: 15\r\ntransfer-encoding: chunked\r\n\r\n${chunk}`],
        ['an invalid chunk', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n${body}\r\n0\r\n\r\n`],
        ['half a character', bytes(`${head}content-length: ${half.length}\r\n\r\n`, half)],
        [
          'half a character in chunks',
          bytes(`${head}transfer-encoding: chunked\r\n\r\n10\r\n`, half, '\r\n0\r\n\r\n'),
        ],
      ],
      400,
    );
    const packed = gzipSync(body);
    const packing = `content-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`;
    const plain = (encoding: string) => bothRoutes(chatBody, { ...jsonType, 'content-encoding': encoding });
    const encodings = ['gzip', 'deflate', 'br', 'zstd', 'GZIP', 'gzip, identity', 'x'].flatMap(plain);
    await expectRefused(deployment, [['a packed body', bytes(head, packing, packed)], ...encodings], 415);
  },
);

promise(
  'bad-bytes.size',
  'a message or body over its limit, or a message over the context, is 413; one at the limit is answered',
  async () => {
    const say = (message: string) => JSON.stringify({ message, conversation_id: 'sized' });
    const large = JSON.stringify({ message: 'x'.repeat(1_048_577) });
    const rare = Array.from({ length: 330 }, (_, index) => String.fromCodePoint(0x4e00 + index * 61)).join(
      '',
    );
    const chunked = { ...jsonType, 'transfer-encoding': 'chunked' };
    const words = 'word '.repeat(199);
    await expectRefused(
      deployment,
      [
        ...[say('x'.repeat(1001)), say(`${words}ééé`), say(rare), large].flatMap((body) => bothRoutes(body)),
        ...bothRoutes(`${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`, chunked),
      ],
      413,
    );
    for (const text of ['x'.repeat(1000), `${words}ééx`]) {
      expect((await chat(replica, 'sized', text)).body.reply).toBe(`echo:${text}`);
    }
  },
);

interface BodySchema {
  readonly properties: Readonly<Record<string, { readonly enum?: readonly string[] }>>;
}

promise(
  'bad-bytes.any-body',
  'no body gets a 5xx or an unknown reply format from any route: any JSON in any described field',
  async () => {
    const { body: openapi } = await call<{
      paths: Record<
        string,
        Record<string, { requestBody?: { content: Record<string, { schema: BodySchema }> } }>
      >;
    }>(replica.url, 'GET', '/openapi.json');
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '.', '\0'),
    );
    for (const [path, operations] of Object.entries(openapi.paths)) {
      for (const [method, { requestBody }] of Object.entries(operations)) {
        if (requestBody === undefined) continue;
        const isNative = /^\/api\/(?:chat|sessions)/.test(path);
        const fields = requestBody.content['application/json']?.schema.properties ?? {};
        const arbitraries = Object.entries(fields).map(([name, schema]) => {
          const likely = fc.constantFrom(...(schema.enum ?? ['a', 'A:b~1', '茶 👋', ' \n\u2028 ']));
          return [name, fc.oneof({ arbitrary: likely, weight: 3 }, odd)] as const;
        });
        const anyBody = fc.oneof(
          { arbitrary: fc.record(Object.fromEntries(arbitraries), { requiredKeys: [] }), weight: 6 },
          fc.jsonValue(),
        );
        const answers = async (body: unknown) => {
          const url = `${replica.url}${path.replace(/\{\w+\}/g, 'there')}`;
          const options = { method: method.toUpperCase(), body: JSON.stringify(body), headers: jsonType };
          const stream = await openStream(url, options);
          expect(stream.status).toBeLessThan(500);
          if (stream.headers['content-type']?.startsWith('text/event-stream')) {
            await stream.all();
            // Other doors end their streams otherwise, which their own tests know.
            if (isNative) expect(stream.ended).toBe('terminal');
            return;
          }
          const answer = (await stream.json()) as Partial<ErrorBody> & { code?: unknown };
          // An error of AG-UI is an event.
          if (stream.status >= 400) expect(answer.error?.code ?? answer.code).toBeTypeOf('string');
        };
        const property = fc.asyncProperty(anyBody, answers);
        await fc.assert(property, { seed: testSeed | 0, numRuns: isNative ? 150 : 50 });
      }
    }
  },
);
