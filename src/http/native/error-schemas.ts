import { Type } from 'typebox';
import { ERRORS, type ErrorCode } from '../../errors.ts';

/** The errors of the native routes, for the API document. */

const ERROR_HEADERS = {
  'X-Request-ID': { type: 'string', description: 'finds the request in the log' },
  'Retry-After': { type: 'integer', description: 'seconds, with every 429 and 503' },
};

function errorReply(codes: readonly ErrorCode[]) {
  return Type.Object(
    {
      error: Type.Object(
        {
          code: Type.Enum([...codes]),
          message: Type.String(),
          request_id: Type.Union([Type.String(), Type.Null()]),
        },
        { additionalProperties: true },
      ),
    },
    { description: 'docs/errors.md says when', headers: ERROR_HEADERS },
  );
}

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

/** The errors of a route by status, each with its codes: so a typed client knows which it may meet. */
export function errorReplies(...codes: readonly ErrorCode[]): Record<number, ReturnType<typeof errorReply>> {
  const all = [...ANYWHERE, ...codes];
  const statuses = [...new Set(all.map((code) => ERRORS[code].status))];
  return Object.fromEntries(
    statuses.map((status) => [status, errorReply(all.filter((code) => ERRORS[code].status === status))]),
  );
}
