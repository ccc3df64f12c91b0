/**
 * The one catalogue of errors: every code a caller can meet, with its HTTP status and whether the
 * same request may succeed later. `docs/errors.md` is compared with it by a test.
 *
 * refused: the caller can change something. unavailable: try later. broken: ours or the model's.
 */
export const ERRORS = {
  invalid_request: { status: 400, kind: 'refused', retryable: false, message: 'The request is not valid.' },
  unauthorized: { status: 401, kind: 'refused', retryable: false, message: 'A valid key is needed.' },
  forbidden: { status: 403, kind: 'refused', retryable: false, message: 'This key may not do that.' },
  not_found: { status: 404, kind: 'refused', retryable: false, message: 'There is no such route.' },
  session_not_found: { status: 404, kind: 'refused', retryable: false, message: 'There is no such session.' },
  turn_not_found: { status: 404, kind: 'refused', retryable: false, message: 'There is no such turn.' },
  model_not_found: { status: 404, kind: 'refused', retryable: false, message: 'There is no such model.' },
  method_not_allowed: {
    status: 405,
    kind: 'refused',
    retryable: false,
    message: 'The route exists, but not with this method.',
  },
  request_timeout: {
    status: 408,
    kind: 'refused',
    retryable: true,
    message: 'The request did not arrive in time.',
  },
  session_busy: {
    status: 409,
    kind: 'refused',
    retryable: true,
    message: 'Another turn of this session is running.',
  },
  session_deleted: { status: 409, kind: 'refused', retryable: false, message: 'The session was deleted.' },
  too_large: { status: 413, kind: 'refused', retryable: false, message: 'The request is too large.' },
  unsupported_media_type: {
    status: 415,
    kind: 'refused',
    retryable: false,
    message: 'The body must be application/json.',
  },
  idempotency_mismatch: {
    status: 422,
    kind: 'refused',
    retryable: false,
    message: 'This Idempotency-Key was used with another request.',
  },
  queue_full: {
    status: 429,
    kind: 'unavailable',
    retryable: true,
    message: 'Too many turns wait in this session.',
  },
  rate_limited: { status: 429, kind: 'unavailable', retryable: true, message: 'Too many turns a minute.' },
  budget_exhausted: { status: 429, kind: 'unavailable', retryable: true, message: 'The budget is used up.' },
  headers_too_large: {
    status: 431,
    kind: 'refused',
    retryable: false,
    message: 'The request headers are too large.',
  },
  corrupt_session: {
    status: 500,
    kind: 'broken',
    retryable: false,
    message: 'What is stored of this session cannot be read.',
  },
  internal: { status: 500, kind: 'broken', retryable: false, message: 'Something went wrong on our side.' },
  model_error: {
    status: 502,
    kind: 'broken',
    retryable: true,
    message: 'The model did not give a usable answer.',
  },
  model_refused: {
    status: 502,
    kind: 'broken',
    retryable: false,
    message: 'The model does not take this request.',
  },
  attempts_exhausted: {
    status: 502,
    kind: 'broken',
    retryable: false,
    message: 'Every replica that ran this turn was lost.',
  },
  redis_unavailable: {
    status: 503,
    kind: 'unavailable',
    retryable: true,
    message: 'The store does not answer.',
  },
  storage_full: { status: 503, kind: 'unavailable', retryable: true, message: 'The store is full.' },
  draining: {
    status: 503,
    kind: 'unavailable',
    retryable: true,
    message: 'This replica is shutting down.',
  },
  overloaded: {
    status: 503,
    kind: 'unavailable',
    retryable: true,
    message: 'No replica can take this request right now.',
  },
  queue_timeout: {
    status: 503,
    kind: 'unavailable',
    retryable: true,
    message: 'The turn waited too long for those before it.',
  },
  commit_unknown: {
    status: 503,
    kind: 'unavailable',
    retryable: true,
    message: 'It is not known whether the turn was stored; retry with the same Idempotency-Key to find out.',
  },
  model_timeout: {
    status: 504,
    kind: 'broken',
    retryable: true,
    message: 'The model did not answer in time.',
  },
} as const satisfies Record<string, ErrorEntry>;

interface ErrorEntry {
  readonly status: number;
  readonly kind: 'refused' | 'unavailable' | 'broken';
  readonly retryable: boolean;
  readonly message: string;
}

export type ErrorCode = keyof typeof ERRORS;

/** Seconds a caller is asked to wait: sent as Retry-After with every 429 and 503. */
export const RETRY_AFTER_SECONDS = 1;

export interface TurnwiseErrorOptions {
  /** Replaces the catalogue's sentence; goes to the caller, so never what a model or Redis said. */
  readonly message?: string;
  /** Further public members of `error`, such as `turn_id` of a busy session. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** In place of RETRY_AFTER_SECONDS, where it is known. */
  readonly retryAfterSeconds?: number;
  /** What went wrong underneath; for the log only. */
  readonly cause?: unknown;
}

/** An error with a code of the catalogue. Anything else that reaches a caller becomes `internal`. */
export class TurnwiseError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number;

  constructor(code: ErrorCode, options: TurnwiseErrorOptions = {}) {
    super(options.message ?? ERRORS[code].message, { cause: options.cause });
    this.name = 'TurnwiseError';
    this.code = code;
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds ?? RETRY_AFTER_SECONDS;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

export function hasCode(error: unknown, code: ErrorCode): error is TurnwiseError {
  return error instanceof TurnwiseError && error.code === code;
}

/** The data or the code is broken: what failed with this would fail again. */
export function isBeyondRetry(error: unknown): error is TurnwiseError {
  return hasCode(error, 'corrupt_session') || hasCode(error, 'internal');
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value);
}

/** Closes a switch over a union: a new member fails to compile. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
