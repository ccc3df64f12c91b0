import { beforeAll, expect } from 'vitest';
import { echo } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  follow,
  historyOf,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { processPromise, promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(2, { ON_DISCONNECT: 'cancel' });
});

/** The model says a piece and stops at a gate, at every call. */
function holdAll() {
  const gate = deployment.model.gate();
  deployment.model.reply((request) =>
    request.messages.at(-1)?.content === 'held'
      ? [{ delta: 'begun ' }, { wait: gate }, { delta: 'and ended' }]
      : echo(request),
  );
  return gate;
}

const statusOf = async (id: string, turnId: string) =>
  (await turnOf(replicaOf(deployment, 1), id, turnId)).status;

promise(
  'clients.vanish.cancel.elsewhere',
  'with ON_DISCONNECT=cancel a turn continues while it has a reader on any replica, and ends soon after the last one leaves',
  async () => {
    const gate = holdAll();
    const [a, b] = [replicaOf(deployment, 0), replicaOf(deployment, 1)];
    const own = await say(a, 'read', 'held');
    await own.until('delta');
    const elsewhere = await follow(b, 'read', turnIdOf(own));
    await elsewhere.until('delta');
    own.destroy();
    // Longer than a reader counts that is not reported again.
    await new Promise((resolve) => setTimeout(resolve, 4500));
    expect(await statusOf('read', turnIdOf(own))).toBe('running');
    const model = deployment.model.requests.at(-1);
    elsewhere.destroy();
    await model?.whenAborted;
    await waitFor(async () => (await statusOf('read', turnIdOf(own))) === 'cancelled', {
      timeoutMs: 6000,
      what: 'the unread turn to end',
    });
    expect(await historyOf(b, 'read')).toEqual(['user: held', 'assistant: begun  [truncated]']);
    gate.open();
  },
  30_000,
);

processPromise(
  'clients.vanish.cancel.taken-over',
  'with ON_DISCONNECT=cancel a turn that was taken over waits for its readers, and ends when none comes back',
  async () => {
    const gate = holdAll();
    const dying = await deployment.another();
    const alone = await say(dying, 'alone', 'held');
    const read = await say(dying, 'comes-back', 'held');
    for (const reader of [alone, read]) await reader.until('delta');
    await dying.kill();
    const back = await follow(replicaOf(deployment, 1), 'comes-back', turnIdOf(read));
    await back.until('restarted');
    await waitFor(async () => (await statusOf('alone', turnIdOf(alone))) === 'cancelled', {
      timeoutMs: 12_000,
      what: 'the unread turn to end',
    });
    expect(await statusOf('comes-back', turnIdOf(read))).toBe('running');
    gate.open();
    expect((await back.all()).at(-1)?.event).toBe('done');
  },
  30_000,
);
