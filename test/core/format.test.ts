import { expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import { echo, startScriptedModel } from '../../testkit/model/scripted-model.ts';
import { startStore } from '../../testkit/server/deployment.ts';
import { startInProcess } from '../../testkit/server/in-process.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

promise(
  'format.first',
  'a replica is ready, and admits turns, only once it has compared the layout of the keys with its own',
  async () => {
    const [{ redis }, model] = await Promise.all([startStore(), startScriptedModel()]);
    model.reply(echo);
    // No comparison succeeds while the mark cannot be read.
    await redis.ask('LPUSH', 'turnwise:format', 'not a version');
    const env = { WORKER: 'off', LOG_LEVEL: 'fatal' };
    const replica = await startInProcess({ redisUrl: redis.url, modelUrl: model.url, env, until: 'live' });
    await waitFor(async () => (await call(replica.url, 'GET', '/health')).status === 200, {
      what: 'Redis to be reached',
    });
    expect((await call(replica.url, 'GET', '/readyz')).status).toBe(503);
    expect(await chat(replica, 'early', 'hello')).toMatchObject({
      status: 503,
      body: { error: { code: 'redis_unavailable' } },
    });
    expect(await redis.ask('EXISTS', 'turnwise:{-/early}:meta')).toBe(0);
    await redis.ask('DEL', 'turnwise:format');
    await waitFor(async () => (await call(replica.url, 'GET', '/readyz')).status === 200, {
      what: 'the replica to be ready',
    });
    expect((await chat(replica, 'early', 'hello')).status).toBe(200);
  },
);
