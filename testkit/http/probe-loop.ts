import type { Replica } from '../server/replica.ts';
import { call } from './http.ts';

export interface LoopProbe {
  /** Longest event loop delay that the replica measured. */
  readonly longestDelayMs: number;
  /** Share of the concurrent /livez calls that took over 200 ms. */
  readonly lateShare: number;
}

/** Measures, while something is done to a replica, how long it keeps others waiting. */
export async function probeLoop(replica: Replica, work: () => Promise<unknown>): Promise<LoopProbe> {
  // Each call of /metrics resets the reading.
  await longestDelayMs(replica);
  const waits: number[] = [];
  let isOver = false;
  const probing = (async () => {
    while (!isOver) {
      const since = performance.now();
      await call(replica.url, 'GET', '/livez');
      waits.push(performance.now() - since);
    }
  })();
  try {
    await work();
  } finally {
    isOver = true;
    await probing;
  }
  const late = waits.filter((ms) => ms > 200).length;
  return { longestDelayMs: await longestDelayMs(replica), lateShare: late / waits.length };
}

async function longestDelayMs(replica: Replica): Promise<number> {
  const { body } = await call<string>(replica.url, 'GET', '/metrics');
  const found = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(body);
  return Number(found?.[1]) * 1000;
}
