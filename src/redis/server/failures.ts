import { ReplyError } from 'ioredis';
import { TurnwiseError } from '../../errors.ts';

/** Redis refuses to write: no memory, a failing disk, or too few replicas. */
const FULL = /\b(OOM command not allowed|MISCONF|NOREPLICAS)\b/;

/** A key or a field holds something that we never write there: an operator edited it. */
const CORRUPT = /\bWRONGTYPE\b|hash value is not an integer/;

/** Redis runs but cannot serve us now: starting, failing over, moving slots, busy with a script, or we lack a right. */
const AWAY =
  /\bThe user executing the script can't\b|\b(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|UNBLOCKED|NOAUTH|WRONGPASS|NOPERM)\b/;

/**
 * Gives an error of Redis or ioredis its code. Redis itself only has the first word of the text.
 *
 * @param script  the name of the script that was run, if any
 */
export function asTurnwiseError(error: unknown, script?: string): TurnwiseError {
  if (error instanceof TurnwiseError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (FULL.test(text)) return new TurnwiseError('storage_full', { cause: error });
  if (CORRUPT.test(text)) return new TurnwiseError('corrupt_session', { cause: error });
  // Any other error of Redis itself is a bug of ours; everything else happened on the way to it.
  const isOurs = (error instanceof ReplyError && !AWAY.test(text)) || error instanceof UnknownReply;
  if (!isOurs) return new TurnwiseError('redis_unavailable', { cause: error });
  const cause =
    script === undefined ? error : new Error(`the script ${script} failed: ${text}`, { cause: error });
  return new TurnwiseError('internal', { cause });
}

/** A script replied with a word that its specification does not have. */
export class UnknownReply extends Error {}

/** Waits for a reply of Redis; whatever goes wrong gets a code. */
export async function answered<T>(reply: Promise<T>): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    throw asTurnwiseError(error);
  }
}
