import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Haproxy, startHaproxy } from '../../testkit/http/haproxy.ts';
import { echo, type ModelRequest } from '../../testkit/model/scripted-model.ts';
import { createRandom, type Random, testSeed } from '../../testkit/seed.ts';
import { saidIn } from '../../testkit/server/api.ts';
import {
  type Deployment,
  follow,
  say,
  startDeployment,
  startStore,
  turnIdOf,
} from '../../testkit/server/deployment.ts';
import { promise } from './promises.ts';

const streamCount = 100;

/** Pieces of a long answer, and the ms between them. */
const pieceMs = 500;

const lastSaid = (request: ModelRequest) => request.messages.at(-1)?.content ?? '';

function answerTo(message: string): string[] {
  const pieces = Number(/^long (\d+)/.exec(message)?.[1] ?? '0');
  return Array.from({ length: pieces }, (_, index) => `${message} piece ${index}. `);
}

interface Tally {
  turns: number;
  cut: number;
  restarted: number;
}

/** A reader that always has a turn open, and after a cut resumes it wherever the balancer sends it. */
async function readOn(
  balancer: Haproxy,
  id: string,
  random: Random,
  isOver: () => boolean,
  tally: Tally,
): Promise<string[]> {
  const said: string[] = [];
  while (!isOver()) {
    const message = `long ${random.int(4, 14)} of ${id}, ${said.length}`;
    let reader = await say(balancer, id, message);
    expect([message, reader.status]).toEqual([message, 200]);
    const turnId = turnIdOf(reader);
    let text = '';
    for (;;) {
      for (const { event, data } of await reader.all(20_000)) {
        if (event === 'restarted') tally.restarted += 1;
        if (event === 'restarted') text = '';
        if (event === 'delta') text += data.content;
      }
      if (reader.ended === 'terminal') break;
      tally.cut += 1;
      reader = await follow(balancer, id, turnId, reader.events.at(-1)?.id);
      expect([message, reader.status]).toEqual([message, 200]);
    }
    expect([message, reader.events.at(-1)?.event]).toEqual([message, 'done']);
    expect(text).toBe(answerTo(message).join(''));
    tally.turns += 1;
    said.push(message);
  }
  return said;
}

/** New short turns all the time, on kept-alive connections. @returns the replies, by status */
async function askSteadily(balancer: Haproxy, isOver: () => boolean): Promise<Map<string, number>> {
  const told = new Map<string, number>();
  const asked: Promise<void>[] = [];
  while (!isOver()) {
    const body = JSON.stringify({ message: 'short', conversation_id: `short${asked.length}` });
    const headers = { 'content-type': 'application/json' };
    const answer = fetch(`${balancer.url}/api/chat`, { method: 'POST', headers, body }).then(
      async (response) => {
        const text = await response.text();
        return response.status === 200 ? '200' : `${response.status} ${text}`;
      },
      (error: unknown) => String(error),
    );
    asked.push(answer.then((one) => void told.set(one, (told.get(one) ?? 0) + 1)));
    await sleep(100);
  }
  await Promise.all(asked);
  return told;
}

/** Restarts each replica on its port before the next one. @returns how long each was away, in ms */
async function restartAll(deployment: Deployment): Promise<number[]> {
  const awayMs: number[] = [];
  for (const replica of deployment.replicas) {
    const askedAt = performance.now();
    replica.term();
    expect(await replica.exited).toBe(0);
    await deployment.another({}, { port: replica.port });
    awayMs.push(performance.now() - askedAt);
    // Until the balancer has seen it twice.
    await sleep(1500);
  }
  return awayMs;
}

promise(
  'shutdown.rolling-restart',
  'three replicas behind HAProxy restart one by one under a hundred streams, and no client has to do more than resume',
  async () => {
    const times = { SHUTDOWN_DELAY_SECONDS: '2', SHUTDOWN_GRACE_SECONDS: '2', LOCK_TTL_MS: '30000' };
    // A turn may meet more than one of the three restarts.
    const deployment = await startDeployment(3, { ...times, TURN_MAX_ATTEMPTS: '4' }, startStore());
    deployment.model.reply((request) => {
      const pieces = answerTo(lastSaid(request));
      return pieces.length === 0
        ? echo(request)
        : pieces.flatMap((delta) => [{ delta }, { delayMs: pieceMs }]);
    });
    const balancer = await startHaproxy(deployment.replicas.map(({ port }) => port));
    let isOver = false;
    const tally: Tally = { turns: 0, cut: 0, restarted: 0 };
    const readers = Array.from({ length: streamCount }, async (_, index) => {
      const id = `streams${index}`;
      return { id, said: await readOn(balancer, id, createRandom(testSeed + index), () => isOver, tally) };
    });
    const steady = askSteadily(balancer, () => isOver);
    const watched = Promise.all([...readers, steady]);
    const awayMs = await Promise.race([
      (async () => {
        await sleep(2000);
        return restartAll(deployment);
      })(),
      // Any failure seen by a client ends the test at once.
      watched.then(() => []),
    ]);
    isOver = true;
    await watched;
    const told = await steady;
    console.info(
      `rolling restart: each away ${awayMs.map((ms) => (ms / 1000).toFixed(1)).join(', ')} s; ` +
        `${tally.turns} streamed turns, ${tally.cut} cut and resumed, ${tally.restarted} restarted; ` +
        `short turns: ${[...told].map((one) => one.join(' ')).join(', ')}`,
    );
    expect([...told.keys()]).toEqual(['200']);
    expect(tally.cut).toBeGreaterThan(0);
    for (const { id, said } of await Promise.all(readers)) {
      const expected = said.flatMap((message) => [message, answerTo(message).join('')]);
      expect(await saidIn(balancer, id)).toEqual(expected);
    }
    await balancer.stop();
  },
  120_000,
);
