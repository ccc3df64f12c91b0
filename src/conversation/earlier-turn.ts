import { TurnwiseError } from '../errors.ts';
import type { Exists } from './admission-port.ts';
import type { TurnDeps } from './deps.ts';
import { type Repeat, readIdempotencyValue } from './idempotency.ts';
import type { TurnRef } from './ports.ts';
import type { SessionRef } from './session.ts';
import { isEnded, type TurnRecord } from './turn.ts';
import { confirmRepeat } from './until-settled.ts';

/**
 * What an Idempotency-Key means that was used before.
 *
 * @returns its turn, which is in from now on; null when the message may run anew
 * @throws idempotency_mismatch, redis_unavailable. commit_unknown: whether it is in cannot be told
 */
export async function earlierTurn(
  deps: TurnDeps,
  session: SessionRef,
  repeat: Repeat,
  { idempotencyValue, isTold }: Exists,
): Promise<TurnRef | null> {
  const earlier = readIdempotencyValue(idempotencyValue);
  if (earlier === null) return null;
  if (earlier.requestHash !== repeat.requestHash) throw new TurnwiseError('idempotency_mismatch');
  const turn = { session, turnId: earlier.turnId, idempotencyHashes: [repeat.keyHash] };
  const stored = await deps.store.find(session, turn.turnId);
  if (stored === null || runsAnew(stored.record)) return null;
  if (isTold || isEnded(stored.record.status)) return turn;
  // Whoever asked first may have been refused, and its replica be about to take the message back.
  if (await confirmRepeat(deps, turn, idempotencyValue)) return turn;
  const ended = await deps.store.find(session, turn.turnId);
  return ended === null || !isEnded(ended.record.status) || runsAnew(ended.record) ? null : turn;
}

/** It failed in a way that may pass. */
function runsAnew({ status, failure }: TurnRecord): boolean {
  return status === 'failed' && failure?.retryable === true;
}
