import { ReplyError } from 'ioredis';
import { TurnwiseError } from '../errors.ts';

/** Redis refuses to write: memory, disk, or too few secondaries. */
const FULL = /\b(OOM command not allowed|MISCONF|NOREPLICAS)\b/;

/** A key or a field is not what a script expects: somebody edited it. A script says so in words of Lua. */
const CORRUPT = /\bWRONGTYPE\b|user_script:\d+: (attempt|bad argument)|hash value is not an integer/;

/** Redis is there but not for us now: starting, failing over, moving slots, busy with a script, or we lack a right. */
const AWAY =
  /\bThe user executing the script can't\b|\b(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|UNBLOCKED|NOAUTH|WRONGPASS|NOPERM)\b/;

/** Gives an error of Redis or ioredis its code. Redis has none of its own but the first word of the text. */
export function asTurnwiseError(error: unknown): TurnwiseError {
  if (error instanceof TurnwiseError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (FULL.test(text)) return new TurnwiseError('storage_full', { cause: error });
  if (CORRUPT.test(text)) return new TurnwiseError('corrupt_session', { cause: error });
  // What Redis itself answered and is none of these is a mistake of ours; all else is the way to it.
  const isAnswer = error instanceof ReplyError && !AWAY.test(text);
  return new TurnwiseError(isAnswer ? 'internal' : 'redis_unavailable', { cause: error });
}

/** Waits for Redis; whatever goes wrong has a code. */
export async function answered<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw asTurnwiseError(error);
  }
}
