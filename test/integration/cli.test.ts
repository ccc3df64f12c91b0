import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { startChild } from '../../testkit/process/child.ts';
import { startRedis } from '../../testkit/redis/redis.ts';
import { dumpOf, keyOf, store } from '../../testkit/redis/stored-session.ts';
import { commandEntry, type Ran, runCommand, runJson } from '../../testkit/server/command.ts';
import { type Deployment, replicaOf, say, startDeployment } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1, { WORKER: 'off' });
});
afterAll(() => deployment.model.close());
beforeEach(() => deployment.redis.ask('FLUSHALL'));

const run = (...args: string[]): Promise<Ran> => runCommand(args, deployment.redisEnv);
const json = <T>(...args: string[]): Promise<T> => runJson<T>(args, deployment.redisEnv);

interface Listed {
  readonly owner: string;
  readonly sessions: readonly { readonly session_id: string; readonly message_count: number }[];
  readonly total: number;
}

promise(
  'cli.sessions.list',
  'sessions list shows the live sessions of an owner as a table and as JSON',
  async () => {
    for (const [index, id] of ['two', 'one', 'three'].entries()) {
      await store(deployment.redis, { id, messages: 4, ttlMs: 1_000_000 + index * 60_000 });
    }
    await store(deployment.redis, { id: 'theirs', owner: 'alice' });
    const table = await run('sessions', 'list');
    expect(table.code).toBe(0);
    const lines = table.out.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/\s{2,}/)[0])).toEqual(['SESSION', 'three', 'one', 'two']);
    expect(lines[1]).toMatch(/^three +4 +\d+ s ago +in \d+ min +title of three$/);
    const all = await json<Listed>('sessions', 'list', '--all');
    expect(all.sessions.map((session) => session.session_id)).toEqual(['three', 'one', 'two']);
    expect(all.sessions[0]).toMatchObject({ title: 'title of three', message_count: 4 });
    const some = await json<Listed>('sessions', 'list', '--limit', '1');
    expect([some.sessions.length, some.total]).toEqual([1, 3]);
    const theirs = await json<Listed>('sessions', 'list', '--owner', 'alice');
    expect(theirs.sessions.map((session) => session.session_id)).toEqual(['theirs']);
    // A name that is not valid in a key appears there as its digest.
    await store(deployment.redis, { id: 'odd', owner: '~EQf2qf2adYrR2QJMYnZxOXiKL7PN0nbrNDlQOyE6Dzk' });
    const odd = await json<Listed>('sessions', 'list', '--owner', 'käthe/müller');
    expect(odd.sessions.map((session) => session.session_id)).toEqual(['odd']);
  },
);

promise(
  'cli.sessions.show',
  'sessions show prints the metadata of a session, what runs and what was said',
  async () => {
    const gate = deployment.model.gate();
    await chat(replicaOf(deployment, 0), 'busy', 'hello');
    deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }]);
    onTestFinished(() => gate.open());
    const running = await say(replicaOf(deployment, 0), 'busy', 'and now');
    await gate.reached;
    const turn = String(running.headers['x-turn-id']);
    const waiting = await say(replicaOf(deployment, 0), 'busy', 'then');
    await waiting.until('queued');
    const table = await run('sessions', 'show', 'busy');
    expect([table.code, table.err]).toEqual([0, '']);
    expect(table.out).toMatch(/^session +busy$/m);
    expect(table.out).toMatch(new RegExp(`^running +${turn}$`, 'm'));
    expect(table.out).toMatch(/^m\d+-100001 .* assistant +echo:hello$/m);
    const shown = await json<Record<string, unknown>>('sessions', 'show', 'busy', '--messages', '1');
    expect(shown).toMatchObject({ session_id: 'busy', owner: '-', message_count: 2, running_turn: turn });
    expect(shown).toMatchObject({ waiting_turns: [String(waiting.headers['x-turn-id'])], has_more: true });
    expect(shown.messages).toMatchObject([
      { id: expect.stringMatching(/^m\d+-100001$/), role: 'assistant', content: 'echo:hello' },
    ]);
    expect(await run('sessions', 'show', 'nobody')).toMatchObject({ code: 1, out: '' });
  },
);

promise('cli.sessions.delete', 'sessions delete removes a session, and its running turn ends', async () => {
  const gate = deployment.model.gate();
  deployment.model.reply(() => [{ delta: 'half' }, { wait: gate }]);
  const running = await say(replicaOf(deployment, 0), 'unwanted', 'hello');
  await gate.reached;
  expect(await run('sessions', 'delete', 'unwanted')).toMatchObject({
    code: 0,
    out: 'Deleted unwanted.\n',
  });
  const last = (await running.all(5000)).at(-1);
  expect([last?.event, last?.data.code]).toEqual(['error', 'session_deleted']);
  expect((await json<Listed>('sessions', 'list')).sessions).toEqual([]);
  const again = await run('sessions', 'delete', 'unwanted');
  expect([again.code, again.err]).toEqual([1, 'There is no session unwanted.\n']);
});

promise('cli.terminal.harmless', "text from callers cannot control an operator's terminal", async () => {
  const title = 'a\u001b[2J\u009b31m\u202eb\nc';
  await store(deployment.redis, { id: 'hostile' });
  await deployment.redis.ask('HSET', keyOf({ id: 'hostile' }, 'meta'), 'title', title);
  const shown = await Promise.all([
    run('sessions', 'list'),
    run('sessions', 'show', 'hostile'),
    run('sessions', 'list', '--json'),
  ]);
  for (const { out } of shown) {
    expect(out).toContain('hostile');
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
  }
  expect((JSON.parse(shown[2].out) as Listed).sessions[0]).toMatchObject({ title });
});

promise(
  'cli.sessions.unreadable',
  'sessions show names each unreadable key of a session, and why',
  async () => {
    await store(deployment.redis, { id: 'torn' });
    const [meta, queue] = [keyOf({ id: 'torn' }, 'meta'), keyOf({ id: 'torn' }, 'queue')];
    await deployment.redis.ask('SET', queue, 'text');
    const shown = await run('sessions', 'show', 'torn');
    expect([shown.code, shown.err]).toEqual([1, 'torn cannot be read.\n']);
    expect(shown.out).toContain(`unreadable  ${queue} is a string, not a `);
    await deployment.redis.ask('DEL', queue);
    await deployment.redis.ask('HSET', meta, 'fence', 'x');
    const asJson = await run('sessions', 'show', 'torn', '--json');
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.out)).toMatchObject({
      session_id: 'torn',
      unreadable: [{ key: meta, reason: 'its fence is not a number' }],
    });
  },
);

promise(
  'cli.sessions.other-format',
  'sessions list, show and delete do not touch keys in an unknown layout',
  async () => {
    await store(deployment.redis, { id: 'newer' });
    await deployment.redis.ask('SET', 'turnwise:format', '99');
    const before = await dumpOf(deployment.redis);
    for (const command of [['list'], ['show', 'newer'], ['delete', 'newer']]) {
      const { code, out, err } = await run('sessions', ...command);
      expect([command, code, out]).toEqual([command, 1, '']);
      expect(err).toContain('layout 99');
    }
    expect(await dumpOf(deployment.redis)).toEqual(before);
  },
);

promise('cli.version', 'the program prints its version, which is that of its package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await runCommand(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

promise('cli.reconcile', 'reconcile runs once and reports as a table and as JSON', async () => {
  await store(deployment.redis, { id: 'miscounted' });
  await deployment.redis.ask('HSET', keyOf({ id: 'miscounted' }, 'meta'), 'message_count', 9);
  await deployment.redis.ask('SET', keyOf({ id: 'text' }, 'meta'), 'text');
  const before = await dumpOf(deployment.redis);
  const dry = await run('reconcile', '--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.out).toMatch(/^message counts repaired +1$/m);
  expect(dry.out).toMatch(/^ {2}turnwise:\{-\/text\}:meta +is a string, not a hash$/m);
  expect(dry.out).toContain('nothing was changed');
  expect(await dumpOf(deployment.redis)).toEqual(before);
  const report = await json<Record<string, unknown>>('reconcile');
  expect(report).toMatchObject({ counts_repaired: 1, scanned: 2, dry_run: false, skipped_count: 1 });
  expect(JSON.parse(String(await deployment.redis.ask('GET', 'turnwise:reconcile')))).toEqual(report);
});

promise('cli.usage', 'each command has help, and its exit codes distinguish the errors', async () => {
  const commands = [
    [],
    ['sessions', 'list'],
    ['sessions', 'show'],
    ['sessions', 'delete'],
    ['reconcile'],
    ['doctor'],
    ['serve'],
    ['worker'],
    ['web'],
    ['demo-model'],
  ];
  const helps = await Promise.all(commands.map((command) => runCommand([...command, '--help'])));
  for (const help of helps) {
    expect([help.code, help.err]).toEqual([0, '']);
    expect(help.out).toContain('Exit codes:');
  }
  const mistakes = [
    ['nonsense'],
    ['sessions', 'show'],
    ['sessions', 'show', 'a/b'],
    ['sessions', 'list', '--limit', 'x'],
  ];
  for (const mistake of mistakes) {
    const { code, out, err } = await runCommand(mistake);
    expect([mistake, code, out]).toEqual([mistake, 2, '']);
    expect(err).not.toBe('');
  }
  for (const command of [['sessions', 'list'], ['reconcile'], ['worker'], ['web']]) {
    const { code, err } = await runCommand(command, {
      REDIS_URL: 'http://nowhere',
      SESSION_TTL_SECONDS: 'x',
    });
    expect([command, code]).toEqual([command, 2]);
    expect(err).toContain('REDIS_URL: expected');
    expect(err).toContain('SESSION_TTL_SECONDS: expected');
  }
  const away = await runCommand(['sessions', 'list'], { REDIS_URL: 'redis://:secret@127.0.0.1:1' });
  expect([away.code, away.out]).toEqual([1, '']);
  expect(away.err).toContain('Redis does not answer at 127.0.0.1:1');
  expect(away.err).not.toContain('secret');
});

promise('cli.worker.no-model', 'worker needs no model and exits on SIGTERM', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const env = { PATH: process.env.PATH, REDIS_URL: redis.url, RECONCILE_INTERVAL_SECONDS: '1' };
  const worker = startChild(process.execPath, [commandEntry, 'worker'], { env });
  await waitFor(() => worker.output().includes('"msg":"reconciled"'), { timeoutMs: 10_000, what: 'a run' });
  worker.signal('SIGTERM');
  expect(await worker.exited).toBe(0);
});

promise(
  'cli.web',
  'web serves the page, gives it the URL of the API, and lets it connect to no other server',
  async () => {
    const env = { PATH: process.env.PATH, WEB_PORT: '0', WEB_API_URL: 'https://api.example:8443/base' };
    const web = startChild(process.execPath, [commandEntry, 'web'], { env });
    const url = await waitFor(() => /http:\/\/[\d.:]+/.exec(web.output())?.[0], {
      what: 'the page to be served',
    });
    const page = await call<string>(url, 'GET', '/');
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("connect-src 'self' https://api.example:8443;");
    expect(policy).toContain("img-src 'self' data:;");
    expect(policy.replace("img-src 'self' data:", '')).not.toMatch(/unsafe|\*|data:/);
    const config = await call(url, 'GET', '/config.json');
    expect(config.body).toEqual({ apiUrl: 'https://api.example:8443/base' });
    expect((await call(url, 'GET', '/livez')).status).toBe(200);
    for (const path of ['/../package.json', '/%2e%2e/package.json', '/.env', '/nothing']) {
      expect([path, (await call(url, 'GET', path)).status >= 400]).toEqual([path, true]);
    }
    web.signal('SIGTERM');
    expect(await web.exited).toBe(0);
  },
);
