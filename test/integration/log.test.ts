import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import type { ModelRequest } from '../../testkit/model/scripted-model.ts';
import { type Deployment, replicaOf, say, startDeployment } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1, {
    LOG_LEVEL: 'trace',
    OPENAI_API_KEY: 'secret-model-key',
    SYSTEM_PROMPT: 'secret-system-prompt',
    MODEL_MAX_RETRIES: '0',
  });
});

const lastSaid = (request: ModelRequest) => request.messages.at(-1)?.content ?? '';

promise(
  'log.no-content',
  'the log names every failure, and contains no message, answer, key or password, whatever fails',
  async () => {
    const replica = replicaOf(deployment, 0);
    const gate = deployment.model.gate();
    deployment.model.reply((request) => {
      const said = lastSaid(request);
      const quoted = {
        message: `cannot read ${said}`,
        type: 'invalid_request_error',
        param: said,
        code: 'odd',
      };
      if (said.endsWith('refused')) return [{ status: 400, body: { error: quoted } }];
      if (said.endsWith('broken off')) return [{ delta: 'secret-answer' }, { chunk: { error: quoted } }];
      if (said.endsWith('torn')) return [{ raw: 'data: {"secret-answer"\n\n' }];
      return [{ delta: 'secret-answer' }, { wait: gate }, { delta: ' and its end' }];
    });
    for (const what of ['refused', 'broken off', 'torn']) {
      expect((await chat(replica, 'model', `secret-message ${what}`)).status).toBe(502);
    }
    const running = await say(replica, 'running', 'secret-message');
    await running.until('delta');
    // Less than Redis uses already: admission, log and commit are refused from now on.
    await deployment.redis.ask('CONFIG', 'SET', 'maxmemory', 1);
    const refused = await chat(replica, 'full', 'secret-message', { idempotencyKey: 'secret-key' });
    expect(refused.body.error?.code).toBe('storage_full');
    gate.open();
    await waitFor(() => /could not end a turn/.test(replica.output()), { what: 'a refused commit' });
    await deployment.redis.ask('CONFIG', 'SET', 'maxmemory', 0);
    expect((await running.all()).at(-1)?.event).toBe('done');

    const { host } = new URL(deployment.redis.url);
    const REDIS_URL = `redis://nobody:secret-password@${host}`;
    const lockedOut = await deployment.another({ REDIS_URL, KEY_PREFIX: 'other' }, { until: 'live' });
    await waitFor(() => lockedOut.output().includes('WRONGPASS'), { what: 'a refused login' });
    expect((await chat(lockedOut, 'x', 'secret-message')).status).toBe(503);

    const log = replica.output() + lockedOut.output();
    expect(log.split('\n').filter((line) => line.includes('secret'))).toEqual([]);
    for (const told of ['OOM command not allowed', 'answered 400', 'invalid_request_error', 'WRONGPASS']) {
      expect(log).toContain(told);
    }
  },
);

promise(
  'log.demo-model',
  'the log says at the start when the model is the built-in demo, and only then',
  async () => {
    const demo = await deployment.another({ DEMO_MODEL: 'true', LOG_LEVEL: 'warn' });
    expect(demo.output()).toMatch(/DEMO_MODEL=true/);
    expect(replicaOf(deployment, 0).output()).not.toMatch(/DEMO_MODEL/);
  },
);
