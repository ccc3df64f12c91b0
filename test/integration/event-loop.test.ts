import { beforeAll, expect } from 'vitest';
import { type Deployment, replicaOf, startDeployment } from '../support/deployment.ts';
import { chat } from '../support/http.ts';
import type { Step } from '../support/model-script.ts';
import { type LoopProbe, probeLoop } from '../support/probe-loop.ts';
import { promise } from '../support/promise.ts';
import { bothRoutes, expectRefused } from '../support/refusals.ts';
import type { Replica } from '../support/replica.ts';
import { echo, textDeltas } from '../support/scripted-model.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { CONTEXT_TOKENS: '300', WORKER: 'off' });
  replica = replicaOf(deployment, 0);
  // What is compiled and read at first use is no delay of these requests.
  await chat(replica, 'warm', 'up');
  await chat(replica, 'warm', 'too long '.repeat(1000));
});

/** Nothing that a caller sends holds up others for 100 ms. */
function expectUndisturbed(what: string, { longestDelayMs, lateShare }: LoopProbe): void {
  console.info(`${what}: event loop held up for ${longestDelayMs.toFixed(0)} ms at most`);
  expect(longestDelayMs).toBeLessThan(100);
  expect(lateShare).toBeLessThan(0.05);
}

promise(
  'bad-bytes.heavy-json',
  'JSON that is deep, wide or long is refused without holding up others',
  async () => {
    const wide = Array.from({ length: 60_000 }, (_, index) => `"k${index}":1`).join(',');
    const bodies = [
      `{"message":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      `${'{"message":'.repeat(80_000)}1${'}'.repeat(80_000)}`,
      `{${wide}}`,
      `{"message":"x",${wide}}`,
      `{"message":"${'\\u0041'.repeat(160_000)}"}`,
    ];
    const requests = bodies.flatMap((body) => bothRoutes(body));
    expectUndisturbed(
      'heavy JSON',
      await probeLoop(replica, () => expectRefused(deployment, requests, 400, 413)),
    );
  },
);

promise(
  'context.one-character',
  'long runs of one character are measured without holding up others',
  async () => {
    const messages = ['a'.repeat(65_000), '长'.repeat(21_000), ' '.repeat(65_000), '👋'.repeat(16_000)];
    const probe = await probeLoop(replica, async () => {
      const measured = messages.map((message, index) => chat(replica, `run${index}`, message));
      // Each alone is more than the context.
      for (const answer of await Promise.all(measured)) expect(answer.status).toBe(413);
    });
    expectUndisturbed('long runs', probe);
  },
);

promise('model.tiny-events', 'a flood of tiny events does not hold up others', async () => {
  deployment.model.reply((request) =>
    request.messages.at(-1)?.content === 'flood'
      ? [...Array.from({ length: 20 }, (): Step => ({ raw: ': c\n\n'.repeat(5000) })), ...textDeltas('well')]
      : echo(request),
  );
  const probe = await probeLoop(replica, async () => {
    expect((await chat(replica, 'flood', 'flood')).body.reply).toBe('well');
  });
  console.info(`tiny events: event loop held up for ${probe.longestDelayMs.toFixed(0)} ms at most`);
  // Seconds, when each piece is read whole: what is left of it is copied once for each event.
  expect(probe.longestDelayMs).toBeLessThan(500);
});
