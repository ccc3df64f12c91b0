import { performance } from 'node:perf_hooks';
import type { TurnDeps } from './deps.ts';
import type { LiveTurn } from './live-turn.ts';
import type { Lease } from './ports.ts';
import { stopIfUnread } from './stop-if-unread.ts';

const RETRY_AT_MOST_MS = 250;

/**
 * Keeps the hold on a running turn: extends lock and lease every third of their time, and hears in the same
 * breath whether the turn is still this replica's and whether it is to stop.
 *
 * Time alone never ends a turn: after an outage longer than the lease, or a sleep, Redis is asked, and only
 * its word that somebody else began counts.
 */
export class LeaseKeeper {
  readonly #deps: TurnDeps;
  readonly #turn: LiveTurn;
  readonly #fence: string;
  #lease: Lease | null;
  #validUntilMs: number;
  /** After a try that failed the next is not due before. */
  #notBeforeMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #renewing: Promise<void> | null = null;
  #isOver = false;

  constructor(deps: TurnDeps, turn: LiveTurn, fence: string, lease: Lease | null, heldSinceMs: number) {
    this.#deps = deps;
    this.#turn = turn;
    this.#fence = fence;
    this.#lease = lease;
    this.#validUntilMs = heldSinceMs + deps.limits.lockTtlMs;
    this.#plan(this.#beatMs);
  }

  get lockValue(): string | null {
    return this.#lease?.value ?? null;
  }

  end(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Lets go of the lock of a turn that no script of this replica ends any more. */
  async release(): Promise<void> {
    await this.#lease?.release();
  }

  /** Nothing to wait for while the lease is good; else first asks Redis: this replica may have slept. */
  check(): Promise<void> | undefined {
    const nowMs = performance.now();
    return nowMs > this.#validUntilMs && nowMs >= this.#notBeforeMs ? this.#renew() : undefined;
  }

  get #beatMs(): number {
    return Math.min(this.#deps.limits.lockTtlMs, this.#deps.limits.sessionTtlMs) / 3;
  }

  #plan(delayMs: number): void {
    if (this.#isOver) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), delayMs);
  }

  #renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renewOnce(): Promise<void> {
    const sentAtMs = performance.now();
    try {
      // A full Redis refuses to extend the lock, but what the beat says holds all the same.
      const extending = this.#extend().catch((error: unknown) => {
        this.#deps.observer.failed('extend the lock', error, this.#turn.ref);
        return 'unknown' as const;
      });
      const beat = await this.#deps.store.beat(this.#turn.ref, this.#fence);
      const hold = await extending;
      if (this.#isOver) return;
      // The commit is in, only its reply was lost: whoever sends it again will hear so. Not a loss.
      if (beat.kind === 'ended') return this.end();
      if (beat.kind !== 'ok') return this.#turn.lose(beat.kind);
      if (hold === 'lost') await this.#takeAgain();
      this.#validUntilMs = sentAtMs + this.#deps.limits.lockTtlMs;
      if (beat.stop !== null) this.#turn.askToStop(beat.stop);
      void stopIfUnread(this.#deps, this.#turn);
      this.#plan(this.#beatMs);
    } catch (error) {
      this.#deps.observer.failed('renew the lease', error, this.#turn.ref);
      this.#turn.troubleAtMs = performance.now();
      // Soon enough to be heard after an outage before others take this replica for dead.
      const retryMs = Math.min(this.#deps.limits.lockTtlMs / 10, RETRY_AT_MOST_MS);
      this.#notBeforeMs = performance.now() + retryMs;
      this.#plan(retryMs);
    }
  }

  async #extend(): Promise<'held' | 'lost'> {
    return this.#lease === null ? 'lost' : this.#lease.extend();
  }

  /**
   * The lock ran out, was deleted or never taken, but the fence is still ours: nobody else began. A lock that is missing
   * is accepted, so what cannot be taken now is tried again with the next beat.
   */
  async #takeAgain(): Promise<void> {
    const again = await this.#deps.lock.acquire(this.#turn.ref.session).catch(() => null);
    if (again === null) return;
    this.#lease = again;
    // The turn ended meanwhile, and with it what frees the lock.
    if (this.#isOver) await again.release();
  }
}
