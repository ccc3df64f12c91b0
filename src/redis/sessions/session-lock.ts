import { ExecutionError, type Lock, Redlock, ResourceLockedError } from '@sesamecare-oss/redlock';
import type { Lease, SessionLock } from '../../conversation/ports/sessions.ts';
import type { SessionRef } from '../../conversation/session.ts';
import type { Keys } from '../keys.ts';
import { type Client, databaseOf } from '../server/connect.ts';
import { asTurnwiseError } from '../server/failures.ts';

/**
 * The lock on a session, by Redlock: `acquire`, `extend` and `release` with its own retries off. Its `using` is never
 * called: it aborts only after the lock has expired, and can hang. The lock is freed by the script that ends the turn.
 */
export class RedlockSessionLock implements SessionLock {
  readonly #redlock: Redlock;
  readonly #keys: Keys;
  readonly #ttlMs: number;

  constructor(client: Client, keys: Keys, ttlMs: number) {
    // Its scripts SELECT a database themselves: without `db` the lock would be kept in another one.
    this.#redlock = new Redlock([client], {
      db: databaseOf(client),
      // Turns that wait are woken, so it need not retry; and no extension happens behind our back.
      retryCount: 0,
      retryDelay: 0,
      retryJitter: 0,
      automaticExtensionThreshold: 0,
      // Only for Redlock's own estimate of the expiration, which is never used: Redis and the fence decide.
      driftFactor: 0.01,
    });
    // It reports every contention as an error; each is handled where it occurs.
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
        // An expiration in the past makes Redlock refuse without asking Redis; after an outage only Redis knows.
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

  /**
   * Contention comes as an ExecutionError whose votes say why; anything but a lock that is held is a failure of Redis.
   */
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
