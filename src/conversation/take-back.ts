import { performance } from 'node:perf_hooks';
import { hasCode } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import { failureOfCode } from './failure.ts';
import type { TurnRef } from './ports.ts';

/**
 * A caller was told 503, but the admission may have been carried out: it is taken back as soon as Redis
 * answers. If this replica dies first, nobody takes the turn over, because it was never confirmed; when even that
 * is not known, the caller was told so. Somebody may count on it by now: who asked again, or who joined it. Then another
 * replica goes on with it, without the wait for its lease.
 */
export async function takeBack(deps: TurnDeps, turn: TurnRef, refusal: unknown): Promise<void> {
  const ending = {
    outcome: 'failed',
    failure: failureOfCode('redis_unavailable'),
    ifIt: hasCode(refusal, 'commit_unknown') ? 'unsettled' : 'untold',
  } as const;
  await untilAnswered(async () => {
    // Not counted as ended: nobody was told that it had begun.
    const withdrawn = await deps.queue.withdraw(turn, ending);
    if (withdrawn === 'told') await deps.takeover.release(turn, null);
  });
}

/** The same for a message that joined a waiting turn. */
export async function takeBackJoined(deps: TurnDeps, turn: TurnRef, joinerId: string): Promise<void> {
  await untilAnswered(() => deps.admission.unjoin(turn, joinerId));
}

/** How long to go on trying to take back what a caller was told is not in. */
const PATIENCE_MS = 60_000;

/** Between two tries, at first and at most; shorter than recovery waits after an outage, so that this comes first. */
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 1600;

async function untilAnswered(ask: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (
    let pauseMs = FIRST_PAUSE_MS;
    performance.now() < until;
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
  ) {
    try {
      await ask();
      return;
    } catch (error) {
      if (hasCode(error, 'corrupt_session')) return;
      // Not in step with each other: else all would come at once when Redis is back.
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.75 + Math.random() / 2)).unref());
    }
  }
}
