import type { Inspection } from '../http/http-deps.ts';
import type { WriteState } from '../redis/server/write-probe.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Replica } from './wiring.ts';

/** What a replica reports about itself and Redis, in time whatever Redis does. */
export function inspect(replica: Replica): Inspection {
  const { redis, live, metrics } = replica;
  const lastReconcile = async () => {
    const text = await within(300, redis.lastReport());
    return text === null ? null : parse(text);
  };
  return {
    store: async (timeoutMs) => {
      const [sessionCount, room] = await Promise.all([
        within(timeoutMs, redis.sessions.count(null)),
        within(timeoutMs, redis.probe.room()),
      ]);
      return sessionCount === null ? null : { sessionCount, isFull: room === 'full' };
    },
    unreadyBecause: async () => {
      if (live.isLeaving) return 'draining';
      return unreadyFor(await within(500, redis.probe.write()));
    },
    lastReconcile,
    metrics: async () => {
      // From the stored report, so that all replicas show the same, whichever ran it.
      showReport(metrics, await lastReconcile());
      const text = await metrics.registry.metrics();
      // What was not measured since the last scrape: prom-client writes `Nan`, which its format does not know.
      return { contentType: metrics.registry.contentType, text: text.replace(/ Nan$/gm, ' NaN') };
    },
  };
}

/** Why a replica should get no traffic, by the state of its Redis. A full one still reads and deletes. */
function unreadyFor(state: WriteState | null): string | null {
  if (state === 'refused') return 'Redis refuses writes: it is a replica';
  if (state === 'unverified') return 'the layout of the keys in Redis has not been compared yet';
  return state === null ? 'Redis does not answer' : null;
}

function showReport(metrics: Metrics, report: unknown): void {
  if (typeof report !== 'object' || report === null) return;
  const { sessions, ended_at } = report as Partial<Record<string, unknown>>;
  if (typeof sessions === 'number') metrics.sessions.set(sessions);
  const endedAtMs = typeof ended_at === 'string' ? Date.parse(ended_at) : Number.NaN;
  if (!Number.isNaN(endedAtMs)) metrics.reconciledAt.set(endedAtMs / 1000);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @returns null when it failed or took too long */
async function within<T>(timeoutMs: number, answer: Promise<T>): Promise<T | null> {
  const settled = answer.catch(() => null);
  return Promise.race([
    settled,
    new Promise<null>((resolve) => {
      setTimeout(() => resolve(null), timeoutMs).unref();
    }),
  ]);
}
