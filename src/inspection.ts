import type { Inspection } from './http/http-deps.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Replica } from './wiring.ts';

/** What a replica tells of itself and of Redis, in time whatever Redis does. */
export function inspect(replica: Replica): Inspection {
  const { redis, turns, metrics } = replica;
  const lastReconcile = async () => {
    const text = await within(300, redis.client.get(redis.keys.reconcile));
    return text === null ? null : parse(text);
  };
  return {
    sessionCount: (timeoutMs) => within(timeoutMs, redis.sessions.count(null)),
    unreadyBecause: async () => {
      if (turns.live.isLeaving) return 'draining';
      const answered = await within(500, redis.client.ping());
      return answered === null ? 'Redis does not answer' : null;
    },
    lastReconcile,
    metrics: async () => {
      // From the report, because whichever replica ran it, all show the same.
      showReport(metrics, await lastReconcile());
      const text = await metrics.registry.metrics();
      // What was not measured since the last look: prom-client spells it in a way that its format does not know.
      return { contentType: metrics.registry.contentType, text: text.replace(/ Nan$/gm, ' NaN') };
    },
  };
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
