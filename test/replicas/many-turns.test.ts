import { beforeAll, expect } from 'vitest';
import type { SseReader } from '../../testkit/http/sse.ts';
import { textDeltas } from '../../testkit/model/scripted-model.ts';
import {
  type Deployment,
  replicaOf,
  say,
  startDeployment,
  turnIdOf,
  turnOf,
} from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';
import { promise } from './promises.ts';

let deployment: Deployment;

beforeAll(async () => {
  deployment = await startDeployment(1);
});

promise(
  'takeover.kill.many',
  'all turns of a killed replica are taken over in time, however many',
  async () => {
    const gate = deployment.model.gate();
    const begun = new Set<string>();
    let lastAgainAt = 0;
    deployment.model.reply((request) => {
      const said = request.messages.at(-1)?.content ?? '';
      const isFirst = !begun.has(said);
      begun.add(said);
      if (!isFirst) lastAgainAt = performance.now();
      return isFirst ? [{ wait: gate }, { delta: 'never seen' }] : textDeltas(`answer to ${said}`);
    });
    const dying = await deployment.another();
    const count = 250;
    const own: SseReader[] = [];
    while (own.length < count) {
      // All at once would only test how fast this machine admits.
      const names = Array.from({ length: 25 }, (_, index) => `many${own.length + index}`);
      own.push(...(await Promise.all(names.map((name) => say(dying, name, name)))));
    }
    await waitFor(() => begun.size === count, { timeoutMs: 10_000, what: 'all to be asked' });
    const killedAt = performance.now();
    await dying.kill();
    const survivor = replicaOf(deployment, 0);
    await waitFor(async () => (await deployment.redis.ask('EXISTS', 'turnwise:running')) === 0, {
      timeoutMs: 15_000,
      what: 'all to be taken over and answered',
    });
    const tookMs = lastAgainAt - killedAt;
    console.info(`the last of ${count} turns was restarted ${(tookMs / 1000).toFixed(1)} s after the kill`);
    expect(tookMs).toBeLessThan(1000 + 5000);
    for (const [index, reader] of own.entries()) {
      const turn = await turnOf(survivor, `many${index}`, turnIdOf(reader));
      expect(turn).toMatchObject({ status: 'completed', attempt: 2, reply: `answer to many${index}` });
    }
  },
  40_000,
);
