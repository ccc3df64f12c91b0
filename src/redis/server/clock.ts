import { performance } from 'node:perf_hooks';
import type { Client } from './connect.ts';

const SAMPLES = 16;

/**
 * Redis' clock as seen from here, so that a deadline means the same to both. A replica's own wall clock is never used
 * for it: it may be an hour off.
 */
export class RedisClock {
  readonly #offsets: number[] = [];

  /** Learns from a reply that carried Redis' TIME in ms. */
  learn(redisNowMs: number): void {
    this.#offsets.push(redisNowMs - performance.now());
    if (this.#offsets.length > SAMPLES) this.#offsets.shift();
  }

  async ask(client: Client): Promise<void> {
    const [seconds, micros] = await client.time();
    this.learn(Number(seconds) * 1000 + Number(micros) / 1000);
  }

  /** @returns ms since 1970 by Redis' clock, at most a round trip behind; 0 before its first reply */
  nowMs(): number {
    // A slow reply makes the clock look late, so the greatest of the last offsets is the best.
    return this.#offsets.length === 0 ? 0 : Math.round(performance.now() + Math.max(...this.#offsets));
  }
}
