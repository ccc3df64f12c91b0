import { ERRORS, type ErrorCode, type TurnwiseError } from '../../errors.ts';

/** Types of errors, in the words of OpenAI. */
export const ERROR_TYPES = {
  invalid_request: 'invalid_request_error',
  unauthorized: 'authentication_error',
  forbidden: 'permission_error',
  not_found: 'invalid_request_error',
  session_not_found: 'invalid_request_error',
  turn_not_found: 'invalid_request_error',
  model_not_found: 'invalid_request_error',
  method_not_allowed: 'invalid_request_error',
  request_timeout: 'invalid_request_error',
  session_busy: 'conflict_error',
  session_deleted: 'conflict_error',
  too_large: 'invalid_request_error',
  unsupported_media_type: 'invalid_request_error',
  idempotency_mismatch: 'invalid_request_error',
  queue_full: 'rate_limit_error',
  rate_limited: 'rate_limit_error',
  budget_exhausted: 'insufficient_quota',
  headers_too_large: 'invalid_request_error',
  corrupt_session: 'server_error',
  internal: 'server_error',
  model_error: 'server_error',
  model_refused: 'server_error',
  attempts_exhausted: 'server_error',
  redis_unavailable: 'server_error',
  storage_full: 'server_error',
  draining: 'server_error',
  overloaded: 'server_error',
  queue_timeout: 'server_error',
  commit_unknown: 'server_error',
  model_timeout: 'server_error',
} as const satisfies Record<ErrorCode, string>;

/** An error in the shape of OpenAI, before a stream and within it; members of ours follow theirs. */
export function chatErrorBody({ code, message, details, cause }: TurnwiseError) {
  const { param = paramOf(cause), ...more } = details;
  return { error: { message, type: ERROR_TYPES[code], param, code, ...more } };
}

/** The turn may go on or be stored: a client that asks again by itself would ask it twice. */
const MAY_GO_ON: ReadonlySet<ErrorCode> = new Set(['draining', 'commit_unknown']);

/** Clients of OpenAI ask again after 408, 409, 429 and 5xx, unless they are told not to. */
export function chatErrorHeaders({ code, details }: TurnwiseError): Readonly<Record<string, string>> {
  const isFinal = !ERRORS[code].retryable || (MAY_GO_ON.has(code) && details.turn_id !== undefined);
  return isFinal ? { 'x-should-retry': 'false' } : {};
}

/** Where a body differs from the schema: `messages[0].content`. */
function paramOf(cause: unknown): string | null {
  const { validation, validationContext } = (cause ?? {}) as {
    readonly validation?: readonly { readonly instancePath: string; readonly params: object }[];
    readonly validationContext?: string;
  };
  const [first] = validation ?? [];
  if (first === undefined || validationContext !== 'body') return null;
  const { missingProperty, additionalProperty } = first.params as Readonly<Record<string, unknown>>;
  const [, ...steps] = first.instancePath.split('/');
  const name = missingProperty ?? additionalProperty;
  if (typeof name === 'string' && /^[\w.-]{1,64}$/.test(name)) steps.push(name);
  const path = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('');
  return path === '' ? null : path.replace(/^\./, '');
}
