import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../../errors.ts';
import { failureOfCode } from '../failures.ts';
import type { LiveTurn } from '../live/live-turn.ts';
import type { Uses } from '../ports/core.ts';
import { jittered } from '../waiting.ts';
import type { Outcome, Work } from './ending.ts';
import { type Hold, writeEnding } from './ending.ts';

/** How long a finished answer is held while Redis is unavailable, and while it is full. */
const AWAY_PATIENCE_MS = 30_000;
const FULL_PATIENCE_MS = 5_000;
const RETRY_MS = 250;

/**
 * Commits a turn to the history, or ends it with nothing kept; readers get the terminal event only after Redis has
 * acknowledged that. Retries while Redis is unavailable: the script is idempotent, and the fence decides. Never throws.
 */
export async function commitTurn(
  ports: Uses<'store' | 'observer'>,
  turn: LiveTurn,
  hold: Hold,
  work: Work,
  first: Outcome,
): Promise<void> {
  let outcome = first;
  // From the first try that fails: many long answers that end together queue up before they are sent.
  let awaySinceMs: number | null = null;
  let fullSinceMs: number | null = null;
  for (;;) {
    try {
      const written = await writeEnding(ports, hold, work, outcome, (changed) => {
        outcome = changed;
      });
      if (written.kind !== 'ended') return turn.lose(written.kind);
      turn.emit(written.event);
      turn.feed.close('ended');
      ports.observer.turnEnded(turn.ref, written.outcome, Date.now() - outcome.startedAtMs);
      return;
    } catch (error) {
      ports.observer.failed('turn_end', error, turn.ref);
      if (turn.loss !== null) return;
      const nowMs = performance.now();
      const isFull = hasCode(error, 'storage_full');
      // An outage after a full Redis is an outage: the time allowed for a full one starts anew.
      fullSinceMs = isFull ? (fullSinceMs ?? nowMs) : null;
      if (fullSinceMs !== null && outcome.kind !== 'failed' && nowMs > fullSinceMs + FULL_PATIENCE_MS) {
        // A full Redis still accepts the end of a turn that keeps nothing; left open, it would be run again later.
        outcome = { ...outcome, kind: 'failed', failure: failureOfCode('storage_full') };
        continue;
      }
      awaySinceMs ??= nowMs;
      if (nowMs > awaySinceMs + AWAY_PATIENCE_MS) {
        // Only readers here are notified: nothing can be written, and whether something was is not known.
        turn.emitWithoutPlace({ type: 'error', ...failureOfCode('commit_unknown') });
        turn.feed.close('ended');
        return;
      }
      // Jittered: on a connection that each of them breaks, one would otherwise always be behind another.
      await sleep(jittered(RETRY_MS));
    }
  }
}
