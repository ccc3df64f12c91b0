import { Type } from 'typebox';
import type { ErrorCode } from '../../errors.ts';
import { RESPONSE_ERRORS } from './error-table.ts';
import { nullable, text } from './schema-words.ts';

/** The errors of the routes of this dialect, for the API document. */

const ERROR_HEADERS = {
  'X-Request-ID': { type: 'string', description: 'finds the request in the log' },
  'X-Should-Retry': {
    type: 'string',
    description: '`false` where a client library should not ask again by itself',
  },
  'Retry-After': { type: 'integer', description: 'seconds, with every 429 and 503' },
};

function errorReply(codes: readonly string[]) {
  return Type.Object(
    {
      error: Type.Object(
        { message: text, type: text, param: nullable(text), code: Type.Enum([...new Set(codes)]) },
        { additionalProperties: true },
      ),
    },
    { description: 'docs/protocol.md says when', headers: ERROR_HEADERS },
  );
}

/** What any route may reply. */
const ANYWHERE: readonly ErrorCode[] = [
  ...(['invalid_request', 'unauthorized', 'forbidden', 'request_timeout', 'headers_too_large'] as const),
  ...(['internal', 'redis_unavailable', 'overloaded', 'corrupt_session'] as const),
];

/** Codes that this dialect has beside ours, with 404. */
type OwnCode = 'previous_response_not_found' | 'item_not_found';

/** The errors of a route by status, each with its codes. */
export function responseErrors(
  codes: readonly ErrorCode[],
  own: readonly OwnCode[] = [],
): Record<number, ReturnType<typeof errorReply>> {
  const all = [...ANYWHERE, ...codes].map((code) => RESPONSE_ERRORS[code]);
  const named = [...all, ...own.map((code) => ({ status: 404, code }))];
  return Object.fromEntries(
    named.map(({ status }) => [
      status,
      errorReply(named.filter((one) => one.status === status).map(({ code }) => code)),
    ]),
  );
}
