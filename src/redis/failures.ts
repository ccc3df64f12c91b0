import { TurnwiseError } from '../errors.ts';

/**
 * Gives an error of Redis or ioredis its code. Redis has no codes of its own but the first word of the text;
 * a script that met a field it cannot use says so in words of Lua.
 */
export function asTurnwiseError(error: unknown): TurnwiseError {
  if (error instanceof TurnwiseError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/^(OOM|MISCONF|NOREPLICAS)\b/.test(text) || text.includes('OOM command not allowed')) {
    return new TurnwiseError('storage_full', { cause: error });
  }
  if (
    text.includes('WRONGTYPE') ||
    /user_script:\d+: (attempt|bad argument)/.test(text) ||
    text.includes('not an integer')
  ) {
    return new TurnwiseError('corrupt_session', { cause: error });
  }
  return new TurnwiseError('redis_unavailable', { cause: error });
}

/** Waits for Redis; whatever goes wrong has a code. */
export async function answered<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw asTurnwiseError(error);
  }
}
