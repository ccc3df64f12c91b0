import { call } from './http.ts';
import type { Replica } from './replica.ts';

export interface LoopProbe {
  /** Longest time that the replica's event loop was held up, by its own measure. */
  readonly longestDelayMs: number;
  /** Share of the calls of /livez meanwhile that took over 200 ms. */
  readonly lateShare: number;
}

/** Looks, while something is done to a replica, at how long it leaves others waiting. */
export async function probeLoop(replica: Replica, work: () => Promise<unknown>): Promise<LoopProbe> {
  // The reading begins anew with each call of /metrics.
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
