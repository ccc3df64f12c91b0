import { hasCode, TurnwiseError } from '../../errors.ts';
import type { KeyUse } from '../ports/admission.ts';
import type { Uses } from '../ports/core.ts';
import type { TurnRef } from '../turn.ts';
import { retry } from '../waiting.ts';

/** A caller gets its reply within a second: admission may already have used half of it, the last try the other half. */
const SETTLE_WITHIN_MS = 300;
const RETRY_MS = 50;

/**
 * Confirms the admission of a turn: from then on it is accepted.
 *
 * @throws redis_unavailable: it is not accepted, and never will be. session_deleted. commit_unknown: it may be accepted
 */
export async function confirmAdmission({ admission }: Uses<'admission'>, turn: TurnRef): Promise<void> {
  let asked = 0;
  const confirmed = await settle(turn, () => {
    asked += 1;
    return admission.confirm(turn);
  });
  if (confirmed === 'ok') return;
  // An earlier try may have been carried out, and the turn taken over since. Only `late` says that none was.
  if (asked > 1 && confirmed !== 'late') throw unsettled(turn);
  throw new TurnwiseError(confirmed === 'gone' ? 'session_deleted' : 'redis_unavailable');
}

/**
 * Confirms the message under an Idempotency-Key before a retry is acknowledged: its first request may never have been.
 *
 * @returns false when it cannot be confirmed: its turn has ended, or the key now names another
 * @throws redis_unavailable: so it was not confirmed. commit_unknown: it may have been
 */
export async function confirmRepeat(
  { admission }: Uses<'admission'>,
  turn: TurnRef,
  key: KeyUse,
): Promise<boolean> {
  const confirmed = await settle(turn, () => admission.confirmRepeat(turn, key));
  if (confirmed === 'late') throw new TurnwiseError('redis_unavailable');
  return confirmed === 'ok';
}

/**
 * Sends a change that accepts a caller's message, and retries while Redis does not reply: to refuse the message would
 * be a guess. The change must be idempotent.
 *
 * @throws commit_unknown with the turn, when there was no reply for as long as a caller can wait
 */
export async function settle<T>(turn: TurnRef, ask: () => Promise<T>): Promise<T> {
  const mayPass = (error: unknown) => hasCode(error, 'redis_unavailable');
  try {
    return await retry(ask, { forMs: SETTLE_WITHIN_MS, pauseMs: () => RETRY_MS, mayPass });
  } catch (error) {
    throw mayPass(error) ? unsettled(turn, error) : error;
  }
}

function unsettled(turn: TurnRef, cause?: unknown): TurnwiseError {
  const details = { turn_id: turn.turnId, session_id: turn.session.conversationId };
  return new TurnwiseError('commit_unknown', { cause, details });
}
