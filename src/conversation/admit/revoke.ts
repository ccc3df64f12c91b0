import { hasCode, isBeyondRetry } from '../../errors.ts';
import { failureOfCode } from '../failures.ts';
import type { Joining } from '../ports/admission.ts';
import type { Uses } from '../ports/core.ts';
import type { TurnRef } from '../turn.ts';
import { jittered, retry } from '../waiting.ts';

/**
 * The caller got a 503, but the admission may have been carried out: it is revoked as soon as Redis replies. If this
 * replica dies first, the turn is not taken over, because it was never confirmed; where even that is unknown, the
 * caller got commit_unknown. Another caller may depend on the turn by now: one that retried, or one that joined it. The
 * turn is then released, and another replica runs it without waiting for its lease.
 */
export async function revokeAdmission(
  { queue, takeover }: Uses<'queue' | 'takeover'>,
  turn: TurnRef,
  refusal: unknown,
): Promise<void> {
  const withdrawal = {
    outcome: 'failed',
    failure: failureOfCode('redis_unavailable'),
    condition: hasCode(refusal, 'commit_unknown') ? 'unsettled' : 'unacknowledged',
  } as const;
  await inBackground(async () => {
    // Not counted as ended: its start was never acknowledged.
    const withdrawn = await queue.withdraw(turn, withdrawal);
    if (withdrawn === 'depended_on') await takeover.release(turn, null);
  });
}

/** The same for a message that joined a waiting turn. */
export async function revokeJoined({ admission }: Uses<'admission'>, joining: Joining): Promise<void> {
  await inBackground(() => admission.unjoin(joining));
}

/** How long to keep trying to revoke a message that was reported as not accepted. */
const FOR_MS = 60_000;

/** Pause between tries, first and longest; shorter than recovery waits after an outage, so that this comes first. */
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 1600;

async function inBackground(ask: () => Promise<unknown>): Promise<void> {
  await retry(ask, {
    forMs: FOR_MS,
    // Jittered: otherwise all would come at once when Redis is back.
    pauseMs: (failures) => jittered(Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS)),
    mayPass: (error) => !isBeyondRetry(error),
    isBackground: true,
  }).catch(() => {});
}
