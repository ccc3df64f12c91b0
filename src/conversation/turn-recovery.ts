import { performance } from 'node:perf_hooks';
import { assertNever, hasCode } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import { endSeized } from './end-seized.ts';
import { failureOfCode } from './failure.ts';
import { LiveTurn } from './live-turn.ts';
import type { TurnPlace, TurnRef } from './ports.ts';
import { runGranted } from './run-granted.ts';
import { waitForTurn } from './wait-turn.ts';
import { withdrawTurn } from './withdraw-turn.ts';

/** Turns looked at in one go. */
const AT_ONCE = 100;

/**
 * Redis must have answered for so long without a break before a lease that is over counts: after an outage the lease of
 * every turn is, and replicas that live need a moment to say so.
 */
const SETTLED_AFTER_MS = 2500;

/** Finds the turns of replicas that died or left, and goes on with them here. */
export class TurnRecovery {
  readonly #deps: TurnDeps;
  /** Turns that are being claimed: a second look meanwhile must not run one of them again. */
  readonly #claiming = new Set<string>();
  #answersSinceMs: number | null = null;

  constructor(deps: TurnDeps) {
    this.#deps = deps;
  }

  /** Looks once, and again at once as long as there is more than fits into one look. Never throws. */
  async look(): Promise<void> {
    try {
      for (let mayBeMore = true; mayBeMore; ) {
        const places = await this.#deps.takeover.overdue(AT_ONCE, this.#isSettled ? 'all' : 'released');
        this.#answersSinceMs ??= performance.now();
        const dealtWith = await Promise.all(places.map((place) => this.#recover(place)));
        mayBeMore = places.length === AT_ONCE && dealtWith.some(Boolean);
      }
    } catch (error) {
      this.#answersSinceMs = null;
      this.#deps.observer.failed('look for turns of dead replicas', error);
    }
  }

  get #isSettled(): boolean {
    return this.#answersSinceMs !== null && performance.now() >= this.#answersSinceMs + SETTLED_AFTER_MS;
  }

  /** @returns whether it is off the list, or not overdue any more */
  async #recover(place: TurnPlace): Promise<boolean> {
    const { live, store, observer } = this.#deps;
    const key = `${place.session.owner}/${place.session.conversationId}/${place.turnId}`;
    // One of our own is overdue when its beats could not be written; they go on by themselves.
    if (live.isDraining || live.find(place) !== undefined || this.#claiming.has(key)) return false;
    this.#claiming.add(key);
    try {
      const stored = await store.find(place.session, place.turnId);
      return await this.#claim({ ...place, idempotencyHashes: stored?.idempotencyHashes ?? [] });
    } catch (error) {
      observer.failed('take a turn over', error, { ...place, idempotencyHashes: [] });
      // Nothing can be done with it here; reconcile reports it.
      const isBroken = hasCode(error, 'corrupt_session');
      if (isBroken) this.#deps.takeover.forget(place);
      return isBroken;
    } finally {
      this.#claiming.delete(key);
    }
  }

  async #claim(ref: TurnRef): Promise<boolean> {
    const deps = this.#deps;
    const turn = new LiveTurn(ref);
    const claimed = await deps.takeover.claim(ref, 'dead');
    switch (claimed.kind) {
      case 'granted':
        this.#keep(turn, () => runGranted(deps, turn, claimed.grant));
        return true;
      case 'adopted':
        if (!claimed.isConfirmed) {
          const failure = failureOfCode('redis_unavailable');
          const withdrawn = await withdrawTurn(deps, ref, { outcome: 'failed', failure, ifIt: 'untold' });
          if (withdrawn !== 'told') return true;
        }
        turn.goOnAfter(claimed.last);
        // It may be its turn by now, and the wake-up have gone to who had it before.
        turn.bell.ring();
        this.#keep(turn, () => waitForTurn(deps, turn, 0, claimed.waitedMs));
        return true;
      case 'seized':
        await endSeized(deps, ref, claimed);
        return true;
      case 'alive':
        // On a full Redis the list cannot be told so, and would give the same turns again at once.
        return false;
      case 'gone':
      case 'ended':
        return true;
      default:
        return assertNever(claimed);
    }
  }

  /** It lives here until the work on it is over. */
  #keep(turn: LiveTurn, work: () => Promise<void>): void {
    turn.isTakenOver = true;
    this.#deps.live.add(turn);
    void work().finally(() => this.#deps.live.remove(turn));
  }
}
