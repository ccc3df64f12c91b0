import type { Inspection } from './http/http-deps.ts';
import type { Replica } from './wiring.ts';

/** What a replica tells of itself and of Redis, in time whatever Redis does. */
export function inspect(replica: Replica): Inspection {
  const { redis, turns, metrics } = replica;
  return {
    sessionCount: (timeoutMs) => within(timeoutMs, redis.sessions.count(null)),
    unreadyBecause: async () => {
      if (turns.live.isLeaving) return 'draining';
      const answered = await within(500, redis.client.ping());
      return answered === null ? 'Redis does not answer' : null;
    },
    lastReconcile: async () => {
      const text = await within(300, redis.client.get(redis.keys.reconcile));
      return text === null ? null : parse(text);
    },
    metrics: async () => ({
      contentType: metrics.registry.contentType,
      text: await metrics.registry.metrics(),
    }),
  };
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
