import { ExecutionError, type Lock, Redlock, ResourceLockedError } from '@sesamecare-oss/redlock';
import type { Lease, SessionLock } from '../conversation/ports.ts';
import type { SessionRef } from '../conversation/session.ts';
import { type Client, databaseOf } from './connect.ts';
import { asTurnwiseError } from './failures.ts';
import type { Keys } from './keys.ts';

/**
 * The lock on a session, by Redlock: `acquire`, `extend` and `release` with its own retries off. Its `using` is never
 * called: it aborts only after the time is over, and can hang. The lock is freed by the script that ends the turn.
 */
export class RedlockSessionLock implements SessionLock {
  readonly #redlock: Redlock;
  readonly #keys: Keys;
  readonly #ttlMs: number;

  constructor(client: Client, keys: Keys, ttlMs: number) {
    // Its scripts SELECT a database by themselves: without `db` the lock would stand in another one than ours.
    this.#redlock = new Redlock([client], {
      db: databaseOf(client),
      // Who waits is woken, not polled; and no extension happens behind our back.
      retryCount: 0,
      retryDelay: 0,
      retryJitter: 0,
      automaticExtensionThreshold: 0,
      // Only Redlock's own idea of the expiration, which is never asked: Redis and the fence decide.
      driftFactor: 0.01,
    });
    // It reports every contention as an error; each is handled where it is met.
    this.#redlock.on('error', () => {});
    this.#keys = keys;
    this.#ttlMs = ttlMs;
  }

  async acquire(session: SessionRef): Promise<Lease | null> {
    const key = this.#keys.session(session).lock;
    const lock = await this.#try(() => this.#redlock.acquire([key], this.#ttlMs));
    return lock === 'locked' ? null : this.#leaseOf(lock);
  }

  #leaseOf(first: Lock): Lease {
    let lock = first;
    return {
      value: first.value,
      extend: async () => {
        // An expiration in the past makes Redlock refuse without asking; after an outage only Redis knows.
        lock.expiration = Math.max(lock.expiration, Date.now() + 1000);
        const extended = await this.#try(() => this.#redlock.extend(lock, this.#ttlMs));
        if (extended === 'locked') return 'lost';
        lock = extended;
        return 'held';
      },
      release: async () => {
        await this.#redlock.release(lock, { retryCount: 0 }).catch(() => {});
      },
    };
  }

  /** Contention comes as an ExecutionError whose votes say why; anything but a lock taken is Redis' trouble. */
  async #try(operation: () => Promise<Lock>): Promise<Lock | 'locked'> {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof ExecutionError)) throw asTurnwiseError(error);
      const votes = await error.attempts.at(-1);
      const against = [...(votes?.votesAgainst.values() ?? [])];
      const trouble = against.find((vote) => !(vote instanceof ResourceLockedError));
      if (trouble !== undefined) throw asTurnwiseError(trouble);
      return 'locked';
    }
  }
}
