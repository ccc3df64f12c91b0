import { ERRORS, type ErrorCode, TurnwiseError } from '../errors.ts';
import { ModelRefused } from './model-refused.ts';
import type { TurnFailure } from './turn.ts';

/** What callers are shown of an error: its own message or that of its code, never the words of the model or Redis. */
export function failureFrom(error: unknown): TurnFailure {
  if (!(error instanceof TurnwiseError)) return failureOfCode('internal');
  const failure = { ...failureOfCode(error.code), message: error.message };
  return error instanceof ModelRefused ? { ...failure, modelStatus: error.modelStatus } : failure;
}

export function failureOfCode(code: ErrorCode): TurnFailure {
  return { code, message: ERRORS[code].message, retryable: ERRORS[code].retryable };
}
