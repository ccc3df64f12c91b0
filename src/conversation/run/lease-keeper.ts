import { performance } from 'node:perf_hooks';
import type { LiveTurn } from '../live/live-turn.ts';
import { stopIfUnread } from '../live/stop-if-unread.ts';
import type { Uses } from '../ports/core.ts';
import type { Lease } from '../ports/sessions.ts';

const RETRY_AT_MOST_MS = 250;

type KeeperPorts = Uses<'store' | 'lock' | 'limits' | 'observer'>;

/**
 * Keeps hold of a running turn: extends lock and lease every third of their time, and learns in the same beat whether
 * the turn is still this replica's and whether it is to stop.
 *
 * Time alone never ends a turn: after an outage longer than the lease, or a suspension, Redis is asked, and only its
 * reply that another replica has begun counts.
 */
export class LeaseKeeper {
  readonly #ports: KeeperPorts;
  readonly #turn: LiveTurn;
  readonly #fence: string;
  #lease: Lease | null;
  #validUntilMs: number;
  /** After a try that failed, the next is not due before this time. */
  #notBeforeMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #renewing: Promise<void> | null = null;
  #hasEnded = false;

  constructor(ports: KeeperPorts, turn: LiveTurn, fence: string, lease: Lease | null, heldSinceMs: number) {
    this.#ports = ports;
    this.#turn = turn;
    this.#fence = fence;
    this.#lease = lease;
    this.#validUntilMs = heldSinceMs + ports.limits.lockTtlMs;
    this.#plan(this.#beatMs);
  }

  get lockValue(): string | null {
    return this.#lease?.value ?? null;
  }

  end(): void {
    this.#hasEnded = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Frees the lock of a turn that no script of this replica will end. */
  async release(): Promise<void> {
    await this.#lease?.release();
  }

  /** Undefined while the lease is valid; otherwise Redis is asked first: this replica may have been suspended. */
  check(): Promise<void> | undefined {
    const nowMs = performance.now();
    return nowMs > this.#validUntilMs && nowMs >= this.#notBeforeMs ? this.#renew() : undefined;
  }

  get #beatMs(): number {
    return Math.min(this.#ports.limits.lockTtlMs, this.#ports.limits.sessionTtlMs) / 3;
  }

  #plan(delayMs: number): void {
    if (this.#hasEnded) return;
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
    const { store, limits, observer } = this.#ports;
    try {
      // A full Redis refuses to extend the lock, but the reply to the beat still holds.
      const extending = this.#extend().catch((error: unknown) => {
        observer.failed('lock_extend', error, this.#turn.ref);
        return 'unknown' as const;
      });
      const beat = await store.beat(this.#turn.ref, this.#fence);
      const hold = await extending;
      if (this.#hasEnded) return;
      // The commit was accepted and only its reply was lost: the retried commit will learn of it. Not a loss.
      if (beat.kind === 'ended') return this.end();
      if (beat.kind !== 'ok') return this.#turn.lose(beat.kind);
      if (hold === 'lost') await this.#takeAgain();
      this.#validUntilMs = sentAtMs + limits.lockTtlMs;
      if (beat.stop !== null) this.#turn.askToStop(beat.stop);
      void stopIfUnread(this.#ports, this.#turn);
      this.#plan(this.#beatMs);
    } catch (error) {
      observer.failed('lease_renew', error, this.#turn.ref);
      this.#turn.troubleAtMs = performance.now();
      // Soon enough after an outage, before others take this replica for dead.
      const retryMs = Math.min(limits.lockTtlMs / 10, RETRY_AT_MOST_MS);
      this.#notBeforeMs = performance.now() + retryMs;
      this.#plan(retryMs);
    }
  }

  async #extend(): Promise<'held' | 'lost'> {
    return this.#lease === null ? 'lost' : this.#lease.extend();
  }

  /**
   * The lock has expired, was deleted or never taken, but the fence is still ours: no other replica has begun. A
   * missing lock is tolerated, so one that cannot be taken now is retried with the next beat.
   */
  async #takeAgain(): Promise<void> {
    const again = await this.#ports.lock.acquire(this.#turn.ref.session).catch(() => null);
    if (again === null) return;
    this.#lease = again;
    // The turn has ended meanwhile, so no script will free this lock.
    if (this.#hasEnded) await again.release();
  }
}
