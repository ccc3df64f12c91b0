import { expect, onTestFinished } from 'vitest';
import { startChild } from '../support/child.ts';
import { builtEntry, runCommand } from '../support/command.ts';
import { freePort } from '../support/free-port.ts';
import { call } from '../support/http.ts';
import { promise } from '../support/promise.ts';
import { startRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';

const away = { REDIS_URL: 'redis://127.0.0.1:1' };
const demo = ['--demo-model', 'http://127.0.0.1:1/v1'];

/** What /health of a replica with these settings says of its model. */
async function modelOf(args: readonly string[], env: Readonly<Record<string, string>>): Promise<unknown> {
  const port = await freePort();
  const settings = {
    PATH: process.env.PATH,
    ...away,
    PORT: String(port),
    SHUTDOWN_DELAY_SECONDS: '0',
    ...env,
  };
  const replica = startChild(process.execPath, [builtEntry, 'serve', ...args], { env: settings });
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
  'serve asks the demo model only when no other is named, and says then that it is one',
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
  'REDIS_USERNAME and REDIS_PASSWORD open a Redis that REDIS_URL names, whatever characters they hold',
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
