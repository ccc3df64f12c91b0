import { ERRORS, type ErrorCode } from '../../errors.ts';

/** Which errors a route may reply, for the API document; each dialect has its own schema of them. */

/** What any route may reply. */
const ANYWHERE: readonly ErrorCode[] = [
  ...(['invalid_request', 'unauthorized', 'forbidden', 'request_timeout', 'headers_too_large'] as const),
  ...(['internal', 'redis_unavailable'] as const),
];

/** What a route may reply that admits a turn. */
export const ADMISSION_ERRORS: readonly ErrorCode[] = [
  ...(['model_not_found', 'session_busy', 'session_deleted', 'too_large', 'unsupported_media_type'] as const),
  ...(['idempotency_mismatch', 'queue_full', 'rate_limited', 'budget_exhausted', 'corrupt_session'] as const),
  ...(['storage_full', 'draining', 'overloaded', 'commit_unknown'] as const),
];

/** What a route may reply that waits for the end of a turn. */
export const ANSWER_ERRORS: readonly ErrorCode[] = [
  ...(['model_error', 'model_refused', 'attempts_exhausted', 'queue_timeout', 'model_timeout'] as const),
];

/** The errors of a route by status, and those that any route may reply. @param replyOf  the schema of some codes */
export function repliesByStatus<S>(
  codes: readonly ErrorCode[],
  replyOf: (codes: readonly ErrorCode[]) => S,
): Record<number, S> {
  const all = [...ANYWHERE, ...codes];
  const statuses = [...new Set(all.map((code) => ERRORS[code].status))];
  return Object.fromEntries(
    statuses.map((status) => [status, replyOf(all.filter((code) => ERRORS[code].status === status))]),
  );
}
