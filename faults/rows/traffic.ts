import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '../../testkit/http/http.ts';
import type { Place } from '../rig/client.ts';
import type { Trial } from '../trial.ts';

/** The time that a busy machine may add to a promised time. */
export const SLACK_MS = 1000;

export interface Traffic {
  /** Stops sending new turns; settles when all running ones are answered. */
  stop(): Promise<void>;
}

/** Clients that send messages in these sessions until stopped, half of them with keys. */
export function startTraffic(
  trial: Trial,
  sessions: readonly string[],
  clients: number,
  pauseMs = 30,
): Traffic {
  const state = { isOver: false };
  const talk = async () => {
    while (!state.isOver) {
      const session = trial.random.pick(sessions);
      const route = trial.random.next() < 0.6 ? 'stream' : 'json';
      if (trial.random.next() < 0.5) await trial.sayUntilDone(session, { route }, 30_000);
      else await trial.say(session, { route, deadlineMs: 45_000 });
      await sleep(trial.random.int(1, pauseMs));
    }
  };
  const ends = Array.from({ length: clients }, talk);
  return {
    async stop() {
      state.isOver = true;
      await Promise.all(ends);
    },
  };
}

/** The status of a route, and how long it took; 0 without an answer. */
export async function ask(
  place: Place,
  path: string,
): Promise<{ readonly status: number; readonly ms: number }> {
  const begun = performance.now();
  const status = await call(place.url, 'GET', path, undefined, {}, { timeoutMs: 10_000 }).then(
    (answer) => answer.status,
    () => 0,
  );
  return { status, ms: performance.now() - begun };
}

/** Waits until a fact holds, and measures how long that took; a violation when it takes too long. */
export async function measureUntil(
  trial: Trial,
  name: string,
  atMostMs: number,
  fact: () => Promise<boolean>,
): Promise<void> {
  const begun = performance.now();
  while (performance.now() - begun < atMostMs * 2 + 5000) {
    if (await fact().catch(() => false)) break;
    await sleep(25);
  }
  trial.measure(name, performance.now() - begun, atMostMs);
}
