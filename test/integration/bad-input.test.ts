import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { rawRequest } from '../../testkit/http/raw-http.ts';
import { listSessions, saidIn } from '../../testkit/server/api.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { bothRoutes, expectRefused, type Hostile, jsonType } from '../support/refusals.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;
/** An ended turn, for the requests about a turn. */
let turnId: string;

beforeAll(async () => {
  deployment = await startDeployment(1, { WORKER: 'off' });
  replica = replicaOf(deployment, 0);
  turnId = (await chat(replica, 'there', 'hello')).body.turn_id;
});

/** Values as JSON, separated by spaces. */
const values = (text: string) => text.split(' ');

promise(
  'bad-input.body',
  'a body that is not the described object, or has an extra field, is 400, and nothing is written or asked',
  async () => {
    const fields = 'role base_url api_base api_key stream stream_options messages tenant owner turn_id count';
    const bodies = [
      ...['', '{}', ...values('null [] [{"message":"x"}] "x" 1 true { {"message":"x" x {"message":NaN}')],
      ...[
        '{"message":"x"} x',
        "{'message':'x'}",
        '{"message":"x",}',
        '{"message":"\n"}',
        '\0{"message":"x"}',
      ],
      ...values('1 null ["x"] {} true "" 1e999 "\\ud800" "x\\udc00x" "\\udc00\\ud800"').map(
        (value) => `{"message":${value}}`,
      ),
      ...values('1 null {} [] ["x"] true "" {"$ne":""} "." ".." "\\ud800"').map(
        (value) => `{"message":"x","conversation_id":${value}}`,
      ),
      ...values('1 null "" "wait" "ENQUEUE" ["enqueue"] "toString"').map(
        (value) => `{"message":"x","on_busy":${value}}`,
      ),
      ...`${fields} version system config constructor Message toString`
        .split(' ')
        .map((name) => `{"message":"x","${name}":"system"}`),
      '{"message":"x","config":{"api_base":"http://127.0.0.1"}}',
      '{"message":"x","__proto__":{"polluted":1}}',
      '{"message":"x","constructor":{"prototype":{"polluted":1}}}',
    ];
    await expectRefused(
      deployment,
      bodies.flatMap((body) => bothRoutes(body)),
      400,
    );
    const titles = [
      ...['', '{}', '[]', '{"title":"x","x":1}', `{"title":"${'x'.repeat(201)}"}`],
      ...values('1 null "" "\\ud800" ["x"]').map((value) => `{"title":${value}}`),
    ];
    await expectRefused(
      deployment,
      titles.map((body) => [body, rawRequest('PATCH', '/api/sessions/there', jsonType, body)]),
      400,
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  },
);

const hostileIds = [
  ...values('* ? [x] {} {a}b }{ a{b} a/b a\\b a#b a%b a&b a+b a,b a\'b a"b a<b a;b $ne'),
  ...['a b', ' ', 'a\nb', 'a\r\nb', 'a\0b', 'é', 'e\u0301', 'а', '\u202e', '茶', '👋', '\uFEFFa'],
  ...['x'.repeat(129), 'x'.repeat(201), 'x'.repeat(10_000), '.', '..'],
];

promise(
  'bad-input.id',
  'a conversation id outside the alphabet is 400 in the body and in every path',
  async () => {
    const inBody = hostileIds.map((id) => JSON.stringify({ message: 'x', conversation_id: id }));
    await expectRefused(
      deployment,
      inBody.flatMap((body) => bothRoutes(body)),
      400,
    );
    const routes = [
      ...[['GET', ''] as const, ['DELETE', ''] as const, ['GET', '/messages'] as const],
      ...[['GET', `/turns/${turnId}`] as const, ['GET', `/turns/${turnId}/stream`] as const],
      ['POST', `/turns/${turnId}/cancel`] as const,
    ];
    const inPath = hostileIds.flatMap((id) => {
      const base = `/api/sessions/${encodeURIComponent(id)}`;
      return [
        [`PATCH ${base}`, rawRequest('PATCH', base, jsonType, '{"title":"x"}')] satisfies Hostile,
        ...routes.map(
          ([method, rest]): Hostile => [`${method} ${base}${rest}`, rawRequest(method, `${base}${rest}`)],
        ),
      ];
    });
    await expectRefused(deployment, inPath, 400);
  },
);

promise('bad-input.path', 'a malformed path is 400, and so is a turn id outside the alphabet', async () => {
  const turns = '/api/sessions/there/turns';
  const paths = [
    ...['/api/sessions/%E0%A4', '/api/sessions/%', '/api/sessions/%zz/messages', '/api/sessions/%00'],
    ...['/api/sessions/%2e%2e', '/api/sessions/.', '/api/sessions/..', '/api/sessions/%2E/messages'],
    ...[
      `${turns}/a%20b`,
      `${turns}/%7B%7D/stream`,
      `${turns}/${'x'.repeat(65)}`,
      `${turns}/${'x'.repeat(300)}`,
    ],
  ];
  await expectRefused(
    deployment,
    paths.map((path) => [path, rawRequest('GET', path)]),
    400,
  );
});

promise('bad-input.query', 'an undocumented query is 400', async () => {
  const limits =
    'limit=0 limit=1001 limit=-1 limit=1.5 limit=x limit= limit=1&limit=2 limit=1e2 limit=%31%20';
  const lists = `${limits} cursor= cursor=%7B%7D cursor=garbage cursor=${'x'.repeat(400)} cursor=a&cursor=b`;
  const pages = `${limits} before= before=x before=-1 before=m1&before=m2 before=m1e2`;
  await expectRefused(
    deployment,
    [
      ...values(lists).map((query): Hostile => [query, rawRequest('GET', `/api/sessions?${query}`)]),
      ...values(pages).map(
        (query): Hostile => [query, rawRequest('GET', `/api/sessions/there/messages?${query}`)],
      ),
    ],
    400,
  );
});

promise(
  'bad-input.ids-of-ours',
  'names that the server uses internally, and all allowed characters, are ordinary conversation ids',
  async () => {
    const names = 'meta messages lock queue turns index running format bull reconcile - ... a:meta a:turn:b';
    const ids = [...values(`${names} __proto__ constructor toString A-Z.a_z:0@9~`), 'x'.repeat(128)];
    for (const id of ids) {
      const { status, body } = await chat(replica, id, `I am ${id}`);
      expect(`${id} ${status} ${body.message_count}`).toBe(`${id} 200 2`);
    }
    // Only after all were used: one that shares a key with another would have lost something by now.
    for (const id of ids) {
      expect(await saidIn(replica, encodeURIComponent(id))).toEqual([`I am ${id}`, `echo:I am ${id}`]);
    }
    const { sessions } = (await listSessions(replica)).body;
    expect(sessions.map(({ session_id }) => session_id)).toEqual(expect.arrayContaining(ids));
  },
);
