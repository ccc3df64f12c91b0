import type { Dialect } from '../door/dialect.ts';
import { errorToJson, RESPONSE_ERRORS, retryHeaders } from './error-table.ts';

/** OpenAI's Responses, as the Open Responses specification has them; docs/protocol.md. */
export const RESPONSES = {
  door: 'responses',
  // Each frame has a number, which must never mean two things.
  shows: 'once-logged',
  // Its clients know no other stop. A background response is not stopped so: see `beginResponse`.
  onDisconnect: 'cancel',
  errors: RESPONSE_ERRORS,
  errorBody: (error) => ({ error: errorToJson(error) }),
  errorHeaders: retryHeaders,
} as const satisfies Omit<Dialect, 'frames'>;
