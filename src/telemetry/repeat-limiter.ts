import { performance } from 'node:perf_hooks';

/** A line that repeats is logged at most this often. */
const LOG_EVERY_MS = 10_000;

/** Keeps lines that repeat many times a second from hiding all others. */
export class RepeatLimiter {
  readonly #logged = new Map<string, { atMs: number; suppressed: number }>();

  /** @returns how many were suppressed since the last one, or null when this one is to be suppressed as well */
  next(line: string): number | null {
    const nowMs = performance.now();
    const before = this.#logged.get(line);
    if (before !== undefined && nowMs < before.atMs + LOG_EVERY_MS) {
      before.suppressed += 1;
      return null;
    }
    this.#logged.set(line, { atMs: nowMs, suppressed: 0 });
    return before?.suppressed ?? 0;
  }
}
