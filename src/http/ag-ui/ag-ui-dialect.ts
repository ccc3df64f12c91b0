import { ERRORS, type TurnwiseError } from '../../errors.ts';
import type { Dialect } from '../door/dialect.ts';

/** AG-UI; docs/protocol.md has its rules. */
export const AG_UI: Omit<Dialect, 'frames'> = {
  door: 'ag-ui',
  shows: 'as-said',
  // A run can be read again, so a lost connection need not be a stop.
  onDisconnect: null,
  errors: ERRORS,
  errorBody: (error, requestId) => errorEvent(error, { request_id: requestId }),
};

/** An error as the event of this protocol: within a stream, and as the body of a reply that is none. */
export function errorEvent({ code, message, details }: TurnwiseError, more: object = {}) {
  const { retryable } = ERRORS[code];
  return { type: 'RUN_ERROR', message, code, metadata: { retryable, ...more, ...details } } as const;
}
