import { performance } from 'node:perf_hooks';
import type { TurnDeps } from './deps.ts';
import type { LiveTurn } from './live-turn.ts';
import type { Lease } from './ports.ts';

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
  #lease: Lease;
  #validUntilMs: number;
  #timer: NodeJS.Timeout | null = null;
  #renewing: Promise<void> | null = null;
  #isOver = false;

  constructor(deps: TurnDeps, turn: LiveTurn, fence: string, lease: Lease, heldSinceMs: number) {
    this.#deps = deps;
    this.#turn = turn;
    this.#fence = fence;
    this.#lease = lease;
    this.#validUntilMs = heldSinceMs + deps.limits.lockTtlMs;
    this.#plan(this.#beatMs);
  }

  get lockValue(): string {
    return this.#lease.value;
  }

  end(): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Settled at once while the lease is good; else first asks Redis: this replica may have slept. */
  async check(): Promise<void> {
    if (performance.now() > this.#validUntilMs) await this.#renew();
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
      const [beat, hold] = await Promise.all([
        this.#deps.store.beat(this.#turn.ref, this.#fence),
        this.#lease.extend(),
      ]);
      if (this.#isOver) return;
      // The commit is in, only its reply was lost: whoever sends it again will hear so. Not a loss.
      if (beat.kind === 'ended') return this.end();
      if (beat.kind !== 'ok') return this.#turn.lose(beat.kind);
      if (hold === 'lost') await this.#takeAgain();
      this.#validUntilMs = sentAtMs + this.#deps.limits.lockTtlMs;
      if (beat.stop !== null) this.#turn.askToStop(beat.stop);
      this.#plan(this.#beatMs);
    } catch (error) {
      this.#deps.observer.failed('renew the lease', error, this.#turn.ref);
      this.#plan(this.#deps.limits.lockTtlMs / 10);
    }
  }

  /** The lock ran out or was deleted, but the fence is still ours: nobody else began. */
  async #takeAgain(): Promise<void> {
    const again = await this.#deps.lock.acquire(this.#turn.ref.session);
    if (again !== null) this.#lease = again;
  }
}
