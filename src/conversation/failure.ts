import { ERRORS, type ErrorCode, TurnwiseError } from '../errors.ts';
import type { TurnFailure } from './turn.ts';

/** What callers are told of an error: its code's own words, never what the model or Redis said. */
export function failureFrom(error: unknown): TurnFailure {
  return failureOfCode(error instanceof TurnwiseError ? error.code : 'internal');
}

export function failureOfCode(code: ErrorCode): TurnFailure {
  return { code, message: ERRORS[code].message, retryable: ERRORS[code].retryable };
}
