import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { TurnRate } from '../../conversation/ports/sessions.ts';
import type { Keys } from '../keys.ts';
import type { Client } from '../server/connect.ts';

const WINDOW_SECONDS = 60;

/** Counts the turns that a caller begins, a minute at a time, for all replicas together. */
export class RedisTurnRate implements TurnRate {
  readonly #limiter: RateLimiterRedis;
  readonly #failed: (error: unknown) => void;

  constructor(client: Client, keys: Keys, turnsPerMinute: number, failed: (error: unknown) => void) {
    this.#failed = failed;
    this.#limiter = new RateLimiterRedis({
      storeClient: client,
      // The limiter puts a colon of its own between prefix and caller.
      keyPrefix: keys.ratePrefix.slice(0, -1),
      points: turnsPerMinute,
      duration: WINDOW_SECONDS,
    });
  }

  async take(limitKey: string): Promise<number> {
    try {
      await this.#limiter.consume(limitKey);
      return 0;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
      // Without Redis no turn can be admitted anyway, and the admission reports that.
      this.#failed(refusal);
      return 0;
    }
  }
}
