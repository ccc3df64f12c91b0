import { expect, onTestFinished } from 'vitest';
import { runCommand } from '../support/command.ts';
import { promise } from '../support/promise.ts';
import { startRedis } from '../support/redis.ts';

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
