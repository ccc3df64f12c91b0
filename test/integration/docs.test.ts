import { afterAll, beforeAll, expect } from 'vitest';
import { startDemoModel } from '../../src/model/demo-model.ts';
import { call } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { startChild } from '../../testkit/process/child.ts';
import {
  type Deployment,
  follow,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import { startReplica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { blocksOf, codeIn, rowsOfTables, tableUnder } from '../support/markdown.ts';
import { filesBelow, REPOSITORY, readSource } from '../support/source-files.ts';
import { promise } from './promises.ts';

const page = readSource('docs/redis.md');
let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, {
    LOCK_TTL_MS: '10000',
    RATE_LIMIT_PER_MINUTE: '100',
    RECONCILE_INTERVAL_SECONDS: '1',
  });
});
afterAll(() => deployment.model.close());

type Hash = Readonly<Record<string, string>>;

async function fieldsOf(key: string): Promise<Hash> {
  const flat = (await deployment.redis.ask('HGETALL', key)) as string[];
  return Object.fromEntries(
    flat.flatMap((field, index) => (index % 2 === 0 ? [[field, flat[index + 1] ?? '']] : [])),
  );
}

async function allKeys(): Promise<readonly string[]> {
  return (await deployment.redis.ask('KEYS', '*')) as string[];
}

/** A session with every kind of key: one turn runs, watched and asked to stop, one waits with a joined message. */
async function busySession(id: string) {
  const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
  const gate = deployment.model.gate();
  deployment.model.reply(({ messages }) => {
    const asked = messages.at(-1)?.content;
    return asked === 'fail'
      ? [{ status: 400 }]
      : asked === 'first'
        ? [{ delta: 'begun' }, { wait: gate }]
        : [{ delta: 'well' }];
  });
  const first = await say(a, id, 'first', { idempotencyKey: `${id}-first` });
  await first.until('delta');
  const watcher = await follow(b, id, turnIdOf(first));
  await watcher.until('delta');
  const waiting = await say(b, id, 'fail', { idempotencyKey: `${id}-waiting` });
  const joiner = await say(b, id, 'fail', { onBusy: 'coalesce', idempotencyKey: `${id}-joiner` });
  expect(turnIdOf(joiner)).toBe(turnIdOf(waiting));
  // A paused replica does not obey the stop request, so the request stays visible.
  a.pause();
  const urgent = await say(b, id, 'urgent', { onBusy: 'interrupt' });
  const readers = [first, watcher, waiting, joiner, urgent];
  return {
    turns: [first, waiting, urgent].map(turnIdOf),
    async finish() {
      // As it does not reply, the turn is seized.
      const path = `/api/sessions/${id}/turns/${turnIdOf(first)}/cancel`;
      expect((await call(b.url, 'POST', path)).status).toBe(200);
      a.resume();
      await Promise.all(readers.map((reader) => reader.all(20_000)));
    },
  };
}

promise(
  'docs.redis.fields',
  'docs/redis.md lists exactly the fields of a session and its turns',
  async () => {
    const session = 'turnwise:{-/fields}';
    const seen = { meta: new Set<string>(), turn: new Set<string>() };
    const { turns, finish } = await busySession('fields');
    const look = async () => {
      for (const field of Object.keys(await fieldsOf(`${session}:meta`))) seen.meta.add(field);
      for (const turn of turns) {
        // Fields with a number or an id in their name are in the table once.
        for (const field of Object.keys(await fieldsOf(`${session}:turn:${turn}`))) {
          seen.turn.add(field.replace(/:.*/, ':'));
        }
      }
    };
    await look();
    await finish();
    await look();
    // A session with metadata, and one that was forked from it.
    const post = async (path: string, body: object) => {
      const reply = await call<{ id: string }>(replicaOf(deployment, 0).url, 'POST', path, body);
      expect([path, reply.status, reply.body]).toEqual([path, 200, expect.anything()]);
      return reply.body.id;
    };
    deployment.model.reply(echo);
    const conversation = await post('/v1/conversations', { metadata: { a: 'b' } });
    const ask = (more: object) => post('/v1/responses', { model: 'scripted', input: 'hello', ...more });
    const first = await ask({ conversation });
    await ask({ conversation });
    await ask({ previous_response_id: first });
    for (const key of (await deployment.redis.ask('KEYS', 'turnwise:{-/*:meta')) as string[]) {
      for (const field of Object.keys(await fieldsOf(key))) seen.meta.add(field);
    }
    const said = (heading: string) =>
      tableUnder(page, heading).map(([field = '']) => codeIn(field).replace(/:.*/, ':'));
    expect([...seen.meta].sort()).toEqual(said('Fields of `meta`').toSorted());
    expect([...seen.turn].sort()).toEqual(said('Fields of a turn').toSorted());
  },
);

promise(
  'docs.redis.types',
  'every key in Redis has the type and the TTL that docs/redis.md gives',
  async () => {
    const rows = tableUnder(page, 'Keys').map(([key = '', type = '', , ttl = '']) => ({
      pattern: patternOf(codeIn(key)),
      key: codeIn(key),
      type,
      ttl,
    }));
    const { finish } = await busySession('types');
    await waitFor(async () => (await allKeys()).includes('turnwise:reconcile'), { what: 'a reconcile' });
    const met = new Set<string>();
    const wrong: string[] = [];
    for (const key of await allKeys()) {
      const type = String(await deployment.redis.ask('TYPE', key));
      const ttlMs = Number(await deployment.redis.ask('PTTL', key));
      if (type === 'none') continue;
      const row = rows.find(({ pattern }) => pattern.test(key));
      if (row !== undefined) met.add(row.key);
      const isTyped = row?.type === type || row?.type === 'several';
      const isTimed = row?.ttl === 'several' || (row?.ttl === 'none' ? ttlMs === -1 : ttlMs > 0);
      if (!isTyped || !isTimed) wrong.push(`${key} is a ${type} and ends in ${ttlMs} ms`);
    }
    await finish();
    expect(wrong).toEqual([]);
    expect(rows.map(({ key }) => key).filter((key) => !met.has(key))).toEqual([]);
  },
);

/** Keys that a row of the table describes. */
function patternOf(key: string): RegExp {
  const parts = key.split(/(OWNER|CONVERSATION|TURN|HASH|…)/).map((part) => {
    if (part === '…') return '.+';
    return /^[A-Z]+$/.test(part) ? '[^{}/:]+' : part.replace(/[{}.]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`);
}

promise(
  'docs.redis.commands',
  'every redis-cli line in docs/redis.md is a command, and the lines about a session show something',
  async () => {
    const { turns, finish } = await busySession('commands');
    const lines = blocksOf(page, 'sh')
      .flatMap((block) => block.split('\n'))
      .filter((line) => line.startsWith('redis-cli '));
    expect(lines.length).toBeGreaterThan(15);
    const mute: string[] = [];
    for (const line of lines) {
      const words = await wordsOf(line, { S: 'turnwise:{-/commands}', T: turns[0] ?? '' });
      // Throws when Redis does not know the command.
      const reply = await deployment.redis.ask(words[0] ?? '', ...words.slice(1));
      if (line.includes('$S') && (reply === null || (Array.isArray(reply) && reply.length === 0)))
        mute.push(line);
    }
    await finish();
    // No history yet: the first turn is still running.
    expect(mute).toEqual(['redis-cli LRANGE "$S:messages" -10 -1']);
  },
);

/** The words of a line as a shell would pass them to redis-cli. */
async function wordsOf(line: string, env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const shell = startChild('bash', ['-c', `redis-cli() { printf '%s\\n' "$@"; }; ${line}`], {
    env: { PATH: process.env.PATH, ...env },
  });
  expect(await shell.exited).toBe(0);
  return shell.output().trimEnd().split('\n');
}

promise('docs.protocol.routes', 'docs/protocol.md lists exactly the routes of /openapi.json', async () => {
  const { body } = await call<{ paths: Record<string, Record<string, unknown>> }>(
    replicaOf(deployment, 1).url,
    'GET',
    '/openapi.json',
  );
  const real = Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const said = tableUnder(readSource('docs/protocol.md'), 'Routes').map(([route = '']) => codeIn(route));
  // The description does not list itself.
  expect(said.filter((route) => route !== 'GET /openapi.json').toSorted()).toEqual(real.toSorted());
});

promise(
  'docs.commands',
  'README and docs/operations.md list exactly the commands of the program',
  async () => {
    const real = new Map([['', await subcommands()]]);
    for (const command of real.get('') ?? []) real.set(command, await subcommands(command));
    const documents = ['README.md', 'README.zh-CN.md', 'CONTRIBUTING.md', 'docker-compose.yml'].map(
      readSource,
    );
    const named = [...documents, ...filesBelow('docs', '.md')].flatMap((file) =>
      [...file.text.matchAll(/(?:dist\/main\.js|command: \[")\s*([a-z-]+)(?: ([a-z]+))?/g)].map(
        ([, command = '', sub]) => ({ command, sub }),
      ),
    );
    for (const { command, sub } of named) {
      expect(real.get('')).toContain(command);
      if (sub !== undefined) expect(real.get(command)).toContain(sub);
    }
    for (const path of ['README.md', 'README.zh-CN.md', 'docs/operations.md']) {
      const rows = [...rowsOfTables(readSource(path), 'Command'), ...rowsOfTables(readSource(path), '命令')];
      const said = rows.flatMap(([cell = '']) => /dist\/main\.js ([a-z-]+)/.exec(cell)?.[1] ?? []);
      expect([path, [...new Set(said)].sort()]).toEqual([path, real.get('')?.toSorted()]);
    }
  },
);

/** The entries in the help of the program or of a command. */
async function subcommands(command?: string): Promise<readonly string[]> {
  const args = [`${REPOSITORY}dist/main.js`, ...(command === undefined ? [] : [command]), '--help'];
  const child = startChild(process.execPath, args);
  expect(await child.exited).toBe(0);
  const [, list = ''] = child.output().split(/^Commands:$/m);
  return [...list.matchAll(/^ {2}([a-z][a-z-]*)/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help');
}

promise(
  'docs.readme.example',
  'the example in README, in either language, gets the replies that it shows',
  async () => {
    const demo = await startDemoModel({ host: '127.0.0.1', port: 0, wordDelayMs: 0 });
    const env = { OPENAI_MODEL: 'demo', KEY_PREFIX: 'readme' };
    const replica = await startReplica({ redisUrl: deployment.redis.url, modelUrl: demo.url, env });
    for (const path of ['README.md', 'README.zh-CN.md']) {
      const block = blocksOf(readSource(path), 'sh').find((text) => text.includes('test_2')) ?? '';
      const steps = [...block.matchAll(/-d '([^']+)'(?:\n# "reply": "([^"]+)")?/g)];
      expect(steps.length).toBe(3);
      for (const [, body = '', shown] of steps) {
        const { status, body: answer } = await call(replica.url, 'POST', '/api/chat', JSON.parse(body));
        expect(status).toBe(200);
        if (shown !== undefined) expect(answer.reply).toBe(shown);
      }
      await call(replica.url, 'DELETE', '/api/sessions/test_1');
      await call(replica.url, 'DELETE', '/api/sessions/test_2');
    }
    await replica.kill();
    await demo.close();
  },
);
