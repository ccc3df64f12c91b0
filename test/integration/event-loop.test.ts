import { createParser } from 'eventsource-parser';
import { beforeAll, expect } from 'vitest';
import { chat } from '../../testkit/http/http.ts';
import { probeLoop } from '../../testkit/http/probe-loop.ts';
import type { Step } from '../../testkit/model/model-script.ts';
import { echo, textDeltas } from '../../testkit/model/scripted-model.ts';
import { type Deployment, replicaOf, startDeployment } from '../../testkit/server/deployment.ts';
import type { Replica } from '../../testkit/server/replica.ts';
import { bothRoutes, expectRefused } from '../support/refusals.ts';
import { promise } from './promises.ts';

let deployment: Deployment;
let replica: Replica;

beforeAll(async () => {
  deployment = await startDeployment(1, { CONTEXT_TOKENS: '300', WORKER: 'off' });
  replica = replicaOf(deployment, 0);
  // Code is compiled and files are read at first use: that is not a delay of these requests.
  await chat(replica, 'warm', 'up');
  await chat(replica, 'warm', 'too long '.repeat(1000));
});

const ROUNDS = 3;

/** Below this a measured delay is noise of the machine. */
const LEAST_MS = 5;

/**
 * Ordinary work on this machine, not a fixed time, is the measure of how long unusual work may block the event loop.
 * A pause of the machine spoils one round, not all.
 *
 * @param controlMs  time of the control: ordinary work of the same size
 * @param factor     how many times that time others may be blocked
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
    console.info(`${what}: blocked for ${longestDelayMs.toFixed(0)} ms, control ${byItselfMs.toFixed(1)} ms`);
  }
  expect(Math.min(...ratios)).toBeLessThan(factor);
}

/** A control that runs in this process; the second run counts, when it is compiled. */
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
  'deep, wide or long JSON is refused in little more than its parse time, without holding up others',
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
  'long runs of one character are tokenized in pieces, without holding up others',
  async () => {
    const runs = ['a', '长', ' ', '👋'];
    let round = 0;
    // Another length each time, because the tokenizer caches; and spaces alone are not a message.
    const messages = () => {
      round += 1;
      return runs.map((letter) => `x${letter.repeat(65_000 / Buffer.byteLength(letter) - round)}`);
    };
    const words = 'some plain words '.repeat(3800);
    const measure = (texts: () => readonly string[]) => async () => {
      const measured = texts().map((message, index) => chat(replica, `run${index}`, message));
      // Each one alone exceeds the context.
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
  'a flood of tiny events is read as it arrives, without holding up others',
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
