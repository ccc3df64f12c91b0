import { performance } from 'node:perf_hooks';
import { assertNever, isBeyondRetry } from '../../errors.ts';
import { endSeized } from '../end/end-seized.ts';
import { withdrawTurn } from '../end/withdraw-turn.ts';
import { failureOfCode } from '../failures.ts';
import { LiveTurn } from '../live/live-turn.ts';
import { keyOf } from '../live/live-turns.ts';
import type { Core } from '../ports/core.ts';
import type { OverdueTurn } from '../ports/turns.ts';
import type { TurnRef } from '../turn.ts';
import { runTurn } from './run-turn.ts';
import { waitForTurn } from './wait-turn.ts';

/** Turns listed at a time. */
const AT_ONCE = 100;

/**
 * Redis must have replied for this long without a break before an expired lease counts: after an outage the lease of
 * every turn has expired, and live replicas need a moment to renew theirs.
 */
const SETTLED_AFTER_MS = 2500;

/** Finds the turns of replicas that died or left, and continues them here. */
export class TurnRecovery {
  readonly #core: Core;
  /** Turns that are being claimed: another look meanwhile must not run one of them again. */
  readonly #claiming = new Set<string>();
  #answersSinceMs: number | null = null;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Checks the list, and again at once while it has more than fits into one page. Never throws. */
  async look(): Promise<void> {
    try {
      for (let mayBeMore = true; mayBeMore; ) {
        const turns = await this.#core.takeover.overdue(AT_ONCE, this.#isSettled ? 'all' : 'released');
        this.#answersSinceMs ??= performance.now();
        const dealtWith = await Promise.all(turns.map((turn) => this.#recover(turn)));
        mayBeMore = turns.length === AT_ONCE && dealtWith.some(Boolean);
      }
    } catch (error) {
      this.#answersSinceMs = null;
      this.#core.observer.failed('recovery_look', error);
    }
  }

  get #isSettled(): boolean {
    return this.#answersSinceMs !== null && performance.now() >= this.#answersSinceMs + SETTLED_AFTER_MS;
  }

  /** @returns whether it is off the list, or no longer overdue */
  async #recover({ turn, overdueMs }: OverdueTurn): Promise<boolean> {
    const { live, takeover, observer } = this.#core;
    const key = keyOf(turn);
    // A turn of our own is overdue when its beats could not be written; they resume by themselves.
    if (live.isDraining || live.find(turn) !== undefined || this.#claiming.has(key)) return false;
    this.#claiming.add(key);
    try {
      return await this.#claim(turn, overdueMs);
    } catch (error) {
      observer.failed('turn_takeover', error, turn);
      // Nothing can be done with it here; reconcile reports it.
      const isBroken = isBeyondRetry(error);
      if (isBroken) takeover.forget(turn);
      return isBroken;
    } finally {
      this.#claiming.delete(key);
    }
  }

  async #claim(ref: TurnRef, overdueMs: number): Promise<boolean> {
    const core = this.#core;
    const claimed = await core.takeover.claim(ref, 'dead');
    switch (claimed.kind) {
      case 'granted': {
        const turn = new LiveTurn(ref, claimed.grant.profile.onDisconnect);
        turn.isTakenOver = true;
        // Before readers find it here: what earlier attempts emitted is in the log alone.
        turn.beginAttempt(claimed.grant.fence);
        this.#keep(turn, overdueMs, () => runTurn(core, turn, claimed.grant));
        return true;
      }
      case 'adopted': {
        if (!claimed.isConfirmed) {
          const failure = failureOfCode('redis_unavailable');
          const withdrawal = { outcome: 'failed', failure, condition: 'unacknowledged' } as const;
          if ((await withdrawTurn(core, ref, withdrawal)) !== 'depended_on') return true;
        }
        const turn = new LiveTurn(ref, claimed.onDisconnect);
        turn.isTakenOver = true;
        turn.continueAfter(claimed.last);
        // It may be able to run by now: the wake-up may have gone to its previous replica.
        turn.wakeup.call();
        this.#keep(turn, overdueMs, () => waitForTurn(core, turn, 0, claimed.waitedMs));
        return true;
      }
      case 'seized':
        await endSeized(core, ref, claimed);
        return true;
      case 'alive':
        // On a full Redis the list cannot be corrected, and would return the same turns at once.
        return false;
      case 'gone':
      case 'ended':
        return true;
      default:
        return assertNever(claimed);
    }
  }

  /** The turn is live here until the work on it is done. */
  #keep(turn: LiveTurn, overdueMs: number, work: () => Promise<void>): void {
    this.#core.observer.tookOver(turn.ref, overdueMs);
    this.#core.live.add(turn);
    void work().finally(() => this.#core.live.remove(turn));
  }
}
