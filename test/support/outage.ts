import { expect } from 'vitest';
import { call, chat } from '../../testkit/http/http.ts';
import type { Gate } from '../../testkit/model/model-script.ts';
import { echo, type ModelRequest } from '../../testkit/model/scripted-model.ts';
import { getSession, listSessions } from '../../testkit/server/api.ts';
import type { Deployment } from '../../testkit/server/deployment.ts';
import { timed } from '../../testkit/server/patient.ts';
import { waitFor } from '../../testkit/wait-for.ts';

/** How long Redis is away: 60 in a long run. */
export const outageMs = 1000 * Number(process.env.TEST_OUTAGE_SECONDS ?? '8');

export const lastSaid = (request: ModelRequest) => request.messages.at(-1)?.content ?? '';

/** The model stops at a gate after one piece for this message, and echoes others. */
export function holdAt(deployment: Deployment, message: string): Gate {
  return holdAtEach(deployment, [message])[0] ?? deployment.model.gate();
}

/** The same for several messages, each with its own gate. */
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

/** Sends every request that must be answered within a second while Redis is away. */
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
  // A request that needs no Redis shows how slow the machine is: that is not the replica's fault.
  const withinMs = 1000 + (live?.ms ?? 0);
  for (const { status, ms, answer } of refused) {
    expect([status, answer?.body]).toMatchObject([503, { error: { code: 'redis_unavailable' } }]);
    expect(Number(answer?.headers['retry-after'])).toBeGreaterThan(0);
    expect(ms).toBeLessThan(withinMs);
  }
  for (const probe of [ready, health]) expect(probe?.ms).toBeLessThan(withinMs);
  return Math.max(...refused.map(({ ms }) => ms));
}
