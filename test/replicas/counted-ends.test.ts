import { beforeAll, expect, onTestFinished } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1, { WORKER: 'off', TURN_MAX_ATTEMPTS: '1', QUEUE_WAIT_SECONDS: '2' });
});

async function counted(replica: Replica, outcome: string): Promise<number> {
  const { body } = await call<string>(replica.url, 'GET', '/metrics');
  const line = new RegExp(`^turnwise_turns_ended_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(body);
  return Number(line?.[1] ?? 0);
}

promise(
  'metrics.every-end',
  'every turn that ends is counted by the replica that ended it: cancelled or timed out while waiting, or taken from a dead or frozen replica',
  async () => {
    const replica = replicaOf(deployment, 0);
    const gate = deployment.model.gate();
    deployment.model.reply(() => [{ delta: 'said' }, { wait: gate }]);
    onTestFinished(() => gate.open());
    const cancel = (id: string, turnId: string) =>
      call(replica.url, 'POST', `/api/sessions/${id}/turns/${turnId}/cancel`);
    const running = await say(replica, 'line', 'runs');
    await running.until('delta');

    const waiting = await say(replica, 'line', 'waits');
    await waiting.until('queued');
    await cancel('line', turnIdOf(waiting));
    expect(await counted(replica, 'cancelled')).toBe(1);

    const late = await say(replica, 'line', 'waits too long');
    expect((await late.all()).at(-1)?.data).toMatchObject({ code: 'queue_timeout' });
    await waitFor(async () => (await counted(replica, 'failed')) === 1, {
      what: 'the late one to be counted',
    });

    const other = await deployment.another();
    const frozen = await say(other, 'frozen', 'hello');
    await frozen.until('delta');
    other.pause();
    await cancel('frozen', turnIdOf(frozen));
    expect(await counted(replica, 'cancelled')).toBe(2);
    await other.kill();

    const dying = await deployment.another();
    const lost = await say(dying, 'lost', 'hello');
    await lost.until('delta');
    await dying.kill();
    const isFailed = async () => (await turnOf(replica, 'lost', turnIdOf(lost))).status === 'failed';
    await waitFor(isFailed, { timeoutMs: 8000, what: 'the lost turn to be given up' });
    await waitFor(async () => (await counted(replica, 'failed')) === 2, {
      what: 'the lost one to be counted',
    });
  },
);
