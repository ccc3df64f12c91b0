import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, TurnwiseError } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import type { TurnRef } from './ports.ts';

/** A caller is answered within a second; admission may have taken half of it, and the last try as much. */
const SETTLE_WITHIN_MS = 300;
const RETRY_MS = 50;

/**
 * Makes the admission of a turn count.
 *
 * @throws redis_unavailable: it does not, and never will. session_deleted. commit_unknown: it may
 */
export async function confirmAdmission(deps: TurnDeps, turn: TurnRef): Promise<void> {
  let asked = 0;
  const confirmed = await untilSettled(turn, () => {
    asked += 1;
    return deps.admission.confirm(turn);
  });
  if (confirmed === 'ok') return;
  // An earlier try may have been carried out, and the turn be another replica's by now. `late` says that none was.
  if (asked > 1 && confirmed !== 'late') throw unsettled(turn);
  throw new TurnwiseError(confirmed === 'gone' ? 'session_deleted' : 'redis_unavailable');
}

/**
 * Makes the message under an Idempotency-Key count, which nobody may have been told is in: who asks again is told so.
 *
 * @returns false when it cannot: its turn ended, or the key means another by now
 * @throws redis_unavailable: it does not count because of this. commit_unknown: it may
 */
export async function confirmRepeat(
  deps: TurnDeps,
  turn: TurnRef,
  idempotencyValue: string,
): Promise<boolean> {
  const confirmed = await untilSettled(turn, () => deps.admission.confirmRepeat(turn, idempotencyValue));
  if (confirmed === 'late') throw new TurnwiseError('redis_unavailable');
  return confirmed === 'ok';
}

/**
 * Asks for a change that makes a caller's message count, and asks again while no answer comes: to refuse it would be a
 * guess. The change must know its own repeat.
 *
 * @throws commit_unknown with the turn, when no answer came for as long as a caller can wait
 */
export async function untilSettled<T>(turn: TurnRef, ask: () => Promise<T>): Promise<T> {
  const untilMs = performance.now() + SETTLE_WITHIN_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!hasCode(error, 'redis_unavailable')) throw error;
      if (performance.now() > untilMs) throw unsettled(turn, error);
      await sleep(RETRY_MS);
    }
  }
}

function unsettled(turn: TurnRef, cause?: unknown): TurnwiseError {
  const details = { turn_id: turn.turnId, session_id: turn.session.conversationId };
  return new TurnwiseError('commit_unknown', { cause, details });
}
