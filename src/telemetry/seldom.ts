import { performance } from 'node:perf_hooks';

/** The same thing again is told this seldom, ms. */
const TELL_EVERY_MS = 10_000;

/** Says of things that repeat many times a second when to tell them, so that they do not hide all else. */
export class Seldom {
  readonly #told = new Map<string, { atMs: number; untold: number }>();

  /** @returns how often it was not told since the last time, or null when it is not to be told now */
  next(what: string): number | null {
    const nowMs = performance.now();
    const before = this.#told.get(what);
    if (before !== undefined && nowMs < before.atMs + TELL_EVERY_MS) {
      before.untold += 1;
      return null;
    }
    this.#told.set(what, { atMs: nowMs, untold: 0 });
    return before?.untold ?? 0;
  }
}
