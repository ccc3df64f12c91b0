import { ERRORS, type ErrorCode, TurnwiseError } from '../errors.ts';
import { ModelRefused } from './model-refused.ts';
import type { TurnFailure } from './turn.ts';

/** What callers are shown of an error: the message of its code, never the words of the model or Redis. */
export function failureFrom(error: unknown): TurnFailure {
  const failure = failureOfCode(error instanceof TurnwiseError ? error.code : 'internal');
  return error instanceof ModelRefused ? { ...failure, modelStatus: error.modelStatus } : failure;
}

export function failureOfCode(code: ErrorCode): TurnFailure {
  return { code, message: ERRORS[code].message, retryable: ERRORS[code].retryable };
}
