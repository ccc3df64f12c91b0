import { expect, onTestFinished } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { startChild } from '../../testkit/process/child.ts';
import { freePort } from '../../testkit/process/free-port.ts';
import { startRedis } from '../../testkit/redis/redis.ts';
import { commandEntry, runCommand } from '../../testkit/server/command.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

const away = { REDIS_URL: 'redis://127.0.0.1:1' };
const demo = ['--demo-model', 'http://127.0.0.1:1/v1'];

/** What /health reports about the model of a replica with these settings. */
async function modelOf(args: readonly string[], env: Readonly<Record<string, string>>): Promise<unknown> {
  const port = await freePort();
  const settings = {
    PATH: process.env.PATH,
    ...away,
    PORT: String(port),
    SHUTDOWN_DELAY_SECONDS: '0',
    ...env,
  };
  const replica = startChild(process.execPath, [commandEntry, 'serve', ...args], { env: settings });
  onTestFinished(async () => void (await replica.kill()));
  return waitFor(
    async () => {
      const { body } = await call(`http://127.0.0.1:${port}`, 'GET', '/health').catch(() => ({ body: null }));
      return body === null ? undefined : [body.model, body.demo_model];
    },
    { timeoutMs: 15_000, what: 'the replica to listen' },
  );
}

promise(
  'settings.demo-fallback',
  'serve uses the demo model only when no other is configured, and reports it',
  async () => {
    expect(await modelOf(demo, {})).toEqual(['demo', true]);
    const own = { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', OPENAI_MODEL: 'mine' };
    expect(await modelOf(demo, own)).toEqual(['mine', false]);
    const halfSet = await runCommand(['serve', ...demo], { ...away, OPENAI_API_KEY: 'real' });
    expect(halfSet.code).toBe(2);
    expect(halfSet.err).toContain('OPENAI_MODEL: expected a model name');
  },
);

promise(
  'settings.redis-login',
  'REDIS_USERNAME and REDIS_PASSWORD log in to the Redis of REDIS_URL, whatever characters they contain',
  async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const password = 'p%41/@:s #';
    await redis.ask('ACL', 'SETUSER', 'app', 'on', `>${password}`, '~*', '&*', '+@all');
    await redis.ask('ACL', 'SETUSER', 'default', 'off');
    const list = (env: Record<string, string>) => runCommand(['sessions', 'list', '--json'], env);
    const host = `127.0.0.1:${redis.port}`;
    const login = { REDIS_USERNAME: 'app', REDIS_PASSWORD: password };
    for (const url of [`redis://${host}`, `redis://app@${host}/0`, `redis://other:wrong@${host}`]) {
      const { code, err } = await list({ REDIS_URL: url, ...login });
      expect([url, code, err]).toEqual([url, 0, '']);
    }
    expect((await list({ REDIS_URL: `redis://app@${host}`, REDIS_PASSWORD: 'wrong' })).code).toBe(1);
  },
);
