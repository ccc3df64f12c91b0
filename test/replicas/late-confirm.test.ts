import { expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { echo } from '../../testkit/model/scripted-model.ts';
import { startRedisProxy } from '../../testkit/redis/redis-proxy.ts';
import { scriptNames } from '../../testkit/redis/script-names.ts';
import { saidIn } from '../../testkit/server/api.ts';
import { commandEntry } from '../../testkit/server/command.ts';
import { replicaOf, startDeployment, startStore } from '../../testkit/server/deployment.ts';
import { chatUntilAnswered } from '../../testkit/server/patient.ts';
import { promise } from './promises.ts';

promise(
  'admission.late-confirm',
  'a replica too late to confirm an admission replies redis_unavailable to its caller, not session_deleted',
  async () => {
    const { redis } = await startStore();
    const proxy = await startRedisProxy(redis.port, await scriptNames(commandEntry));
    const deployment = await startDeployment(1, {}, { redis, env: { REDIS_URL: proxy.url } });
    deployment.model.reply(echo);
    const replica = replicaOf(deployment, 0);
    const confirming = proxy.trap('request', ({ name }) => name === 'confirm-turn');
    const asked = chat(replica, 'late', 'hello', { idempotencyKey: 'hello' });
    await confirming.caught;
    // As if another replica had taken it over because its lease expired.
    const [record = ''] = (await redis.ask('KEYS', 'turnwise:{-/late}:turn:*')) as string[];
    await redis.ask('HSET', record, 'replica', 'another');
    confirming.open();
    expect(await asked).toMatchObject({ status: 503, body: { error: { code: 'redis_unavailable' } } });
    await chatUntilAnswered([replica], 'late', 'hello');
    expect(await saidIn(replica, 'late')).toEqual(['hello', 'echo:hello']);
    await proxy.close();
  },
);
