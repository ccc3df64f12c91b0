import { expect } from 'vitest';
import { call } from '../../testkit/http/http.ts';
import { type RawAnswer, rawRequest, sendRaw } from '../../testkit/http/raw-http.ts';
import { callCount } from '../../testkit/server/api.ts';
import { type Deployment, replicaOf } from '../../testkit/server/deployment.ts';
import { waitFor } from '../../testkit/wait-for.ts';

/** A request that must be refused, and its name in a failure. */
export type Hostile = readonly [what: string, request: string | Uint8Array];

const codeOf: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  413: 'too_large',
  415: 'unsupported_media_type',
  431: 'headers_too_large',
};

/**
 * Sends each to the first replica and expects one of the statuses with its code in the common error format, nothing
 * written to Redis, and no model call.
 */
export async function expectRefused(
  deployment: Deployment,
  requests: readonly Hostile[],
  ...statuses: number[]
): Promise<void> {
  const replica = replicaOf(deployment, 0);
  const state = async () => [await deployment.redis.ask('DBSIZE'), callCount(deployment)];
  // The list of live turns loses the last one of an earlier test a moment after its end.
  const isQuiet = async () => (await deployment.redis.ask('EXISTS', 'turnwise:running')) === 0;
  await waitFor(isQuiet, { what: 'no turn is listed' });
  const before = await state();
  const wrong: string[] = [];
  for (const [what, request] of requests) {
    const answer = await sendRaw(replica.port, request);
    if (!statuses.includes(answer.status) || !isInShape(answer)) {
      const said = `${answer.status} ${JSON.stringify(answer.body)}`;
      wrong.push(`${what.slice(0, 80)}: ${said.slice(0, 120)}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(await state()).toEqual(before);
  expect((await call(replica.url, 'GET', '/readyz')).status).toBe(200);
}

/** Bytes that never became a request have no id; any other error has the one in its head. */
function isInShape({ status, headers, body }: RawAnswer): boolean {
  const { error } = body as { error?: Record<string, unknown> };
  return (
    error?.code === codeOf[status] &&
    typeof error?.message === 'string' &&
    headers['cache-control'] === 'no-store' &&
    headers['x-content-type-options'] === 'nosniff' &&
    (error.request_id === null || error.request_id === headers['x-request-id'])
  );
}

export const jsonType = { 'content-type': 'application/json' };
export const chatRoutes = ['/api/chat', '/api/chat/stream'] as const;

/** A chat with this body by both routes. */
export function bothRoutes(body: string, headers: Readonly<Record<string, string>> = jsonType): Hostile[] {
  return chatRoutes.map((path) => [`${path} ${body}`, rawRequest('POST', path, headers, body)]);
}
