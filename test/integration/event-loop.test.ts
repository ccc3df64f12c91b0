import { createParser } from 'eventsource-parser';
import { beforeAll, expect } from 'vitest';
import { type Deployment, replicaOf, startDeployment } from '../support/deployment.ts';
import { chat } from '../support/http.ts';
import type { Step } from '../support/model-script.ts';
import { probeLoop } from '../support/probe-loop.ts';
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

const ROUNDS = 3;

/** Below this a measured delay is the machine's, not the work's. */
const LEAST_MS = 5;

/**
 * What plain work takes here and now is the measure of how long the odd one may hold up others: no time that a machine may
 * miss. A machine that stands still for a moment spoils one round, not all.
 *
 * @param controlMs  time of the control: work that holds up others for as long as it must
 * @param factor     how many times that may pass before others have their turn
 */
async function expectUndisturbed(
  what: string,
  work: () => Promise<unknown>,
  controlMs: () => Promise<number>,
  factor: number,
): Promise<void> {
  const ratios: number[] = [];
  while (ratios.length < ROUNDS && !ratios.some((ratio) => ratio < factor)) {
    const byItselfMs = await controlMs();
    const { longestDelayMs } = await probeLoop(replica, work);
    ratios.push(longestDelayMs / Math.max(LEAST_MS, byItselfMs));
    console.info(`${what}: held up for ${longestDelayMs.toFixed(0)} ms, control ${byItselfMs.toFixed(1)} ms`);
  }
  expect(Math.min(...ratios)).toBeLessThan(factor);
}

/** A control that runs in this process; the second time counts, when it is compiled. */
function timeOf(work: () => void): () => Promise<number> {
  return async () => {
    work();
    const since = performance.now();
    work();
    return performance.now() - since;
  };
}

promise(
  'bad-bytes.heavy-json',
  'JSON that is deep, wide or long is refused in little more than it takes to parse, without holding up others',
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
    const parse = timeOf(() => void JSON.parse(`{${wide}}`));
    await expectUndisturbed('heavy JSON', () => expectRefused(deployment, requests, 400, 413), parse, 10);
  },
);

promise(
  'context.one-character',
  'long runs of one character are measured in pieces, without holding up others',
  async () => {
    const runs = ['a', '长', ' ', '👋'];
    let round = 0;
    // Another length each time, for the tokenizer remembers what it has seen; and blanks alone are no message.
    const messages = () => {
      round += 1;
      return runs.map((letter) => `x${letter.repeat(65_000 / Buffer.byteLength(letter) - round)}`);
    };
    const words = 'some plain words '.repeat(3800);
    const measure = (texts: () => readonly string[]) => async () => {
      const measured = texts().map((message, index) => chat(replica, `run${index}`, message));
      // Each alone is more than the context.
      for (const answer of await Promise.all(measured)) expect(answer.status).toBe(413);
    };
    const plain = async () =>
      (
        await probeLoop(
          replica,
          measure(() => runs.map(() => words)),
        )
      ).longestDelayMs;
    await expectUndisturbed('long runs', measure(messages), plain, 10);
  },
);

promise(
  'model.tiny-events',
  'a flood of tiny events is read as it comes, without holding up others',
  async () => {
    const flood = ': c\n\n'.repeat(5000);
    deployment.model.reply((request) =>
      request.messages.at(-1)?.content === 'flood'
        ? [...Array.from({ length: 20 }, (): Step => ({ raw: flood })), ...textDeltas('well')]
        : echo(request),
    );
    const readAll = timeOf(() => {
      const parser = createParser({ onComment: () => {} });
      for (let piece = 0; piece < 20; piece += 1) parser.feed(flood);
    });
    const ask = async () => expect((await chat(replica, 'flood', 'flood')).body.reply).toBe('well');
    await expectUndisturbed('tiny events', ask, readAll, 20);
  },
);
