import { expect } from 'vitest';
import { getSession, listSessions } from './api.ts';
import type { Deployment } from './deployment.ts';
import { call, chat } from './http.ts';
import type { Gate } from './model-script.ts';
import { timed } from './patient.ts';
import { echo, type ModelRequest } from './scripted-model.ts';
import { waitFor } from './wait-for.ts';

/** How long Redis is away: 60 in a long run. */
export const outageMs = 1000 * Number(process.env.TEST_OUTAGE_SECONDS ?? '8');

export const lastSaid = (request: ModelRequest) => request.messages.at(-1)?.content ?? '';

/** The model stops at a gate after one piece when it is asked this; all else it echoes. */
export function holdAt(deployment: Deployment, message: string): Gate {
  return holdAtEach(deployment, [message])[0] ?? deployment.model.gate();
}

/** The same for several messages, each with a gate of its own. */
export function holdAtEach({ model }: Deployment, messages: readonly string[]): readonly Gate[] {
  const gates = messages.map(() => model.gate());
  model.reply((request) => {
    const gate = gates[messages.indexOf(lastSaid(request))];
    return gate === undefined ? echo(request) : [{ delta: 'begun ' }, { wait: gate }, { delta: 'and ended' }];
  });
  return gates;
}

/** How long until a replica answers a turn again, in ms. */
export async function recovery(replica: { readonly url: string }, conversationId: string): Promise<number> {
  const since = performance.now();
  await waitFor(async () => (await chat(replica, conversationId, 'back again')).status === 200, {
    timeoutMs: 15_000,
    what: 'turns to be answered again',
  });
  return performance.now() - since;
}

/** Asks all that must still be answered while Redis is away; each within a second. */
export async function expectRefusals(
  replica: { readonly url: string },
  conversationId: string,
): Promise<number> {
  const refused = await Promise.all([
    timed(chat(replica, conversationId, 'refused')),
    timed(chat(replica, `${conversationId}-new`, 'refused')),
    timed(chat(replica, conversationId, 'refused', { idempotencyKey: 'refused' })),
    timed(call(replica.url, 'POST', '/api/chat/stream', { message: 'refused' })),
    timed(getSession(replica, conversationId)),
    timed(listSessions(replica)),
    timed(call(replica.url, 'DELETE', `/api/sessions/${conversationId}`)),
  ]);
  const [live, ready, health] = await Promise.all(
    ['/livez', '/readyz', '/health'].map((path) => timed(call(replica.url, 'GET', path))),
  );
  expect([live?.status, ready?.status, health?.status]).toEqual([200, 503, 503]);
  expect(health?.answer?.body).toMatchObject({ status: 'unhealthy' });
  // What needs no Redis shows how slow this machine is just now; that is not the replica's.
  const withinMs = 1000 + (live?.ms ?? 0);
  for (const { status, ms, answer } of refused) {
    expect([status, answer?.body]).toMatchObject([503, { error: { code: 'redis_unavailable' } }]);
    expect(Number(answer?.headers['retry-after'])).toBeGreaterThan(0);
    expect(ms).toBeLessThan(withinMs);
  }
  for (const probe of [ready, health]) expect(probe?.ms).toBeLessThan(withinMs);
  return Math.max(...refused.map(({ ms }) => ms));
}
