import { expect } from 'vitest';
import { startRedisProxy } from '../../faults/rig/redis-proxy.ts';
import { scriptNames } from '../../faults/rig/script-names.ts';
import { saidIn } from '../support/api.ts';
import { builtEntry } from '../support/command.ts';
import { replicaOf, startDeployment, startStore } from '../support/deployment.ts';
import { chat } from '../support/http.ts';
import { chatUntilTold } from '../support/patient.ts';
import { promise } from '../support/promise.ts';
import { echo } from '../support/scripted-model.ts';

promise(
  'admission.late-confirm',
  'a replica that comes too late to confirm an admission tells its caller to ask again, not that the session was deleted',
  async () => {
    const { redis } = await startStore();
    const proxy = await startRedisProxy(redis.port, scriptNames(builtEntry));
    const deployment = await startDeployment(1, {}, { redis, env: { REDIS_URL: proxy.url } });
    deployment.model.reply(echo);
    const replica = replicaOf(deployment, 0);
    const confirming = proxy.trap('request', ({ name }) => name === 'confirm-turn');
    const asked = chat(replica, 'late', 'hello', { idempotencyKey: 'hello' });
    await confirming.caught;
    // As if another replica had found its lease over meanwhile.
    const [record = ''] = (await redis.ask('KEYS', 'turnwise:{-/late}:turn:*')) as string[];
    await redis.ask('HSET', record, 'replica', 'another');
    confirming.open();
    expect(await asked).toMatchObject({ status: 503, body: { error: { code: 'redis_unavailable' } } });
    await chatUntilTold([replica], 'late', 'hello');
    expect(await saidIn(replica, 'late')).toEqual(['hello', 'echo:hello']);
    await proxy.close();
  },
);
