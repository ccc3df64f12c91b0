import { Type } from 'typebox';
import type { ErrorCode } from '../../errors.ts';
import { repliesByStatus } from '../door/error-codes.ts';

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

/** The errors of a route by status, each with its codes: so a typed client knows which it may meet. */
export function errorReplies(...codes: readonly ErrorCode[]) {
  return repliesByStatus(codes, errorReply);
}
