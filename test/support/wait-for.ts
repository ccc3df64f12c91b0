import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Default 5000. */
  readonly timeoutMs?: number;
  /** What is waited for, for the error. */
  readonly what: string;
}

/**
 * Asks each 10 ms until the fact is there, and returns it.
 *
 * @throws   when it is not there in time; an error of the last try is its cause
 */
export async function waitFor<T>(
  fact: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, false | 0 | '' | null | undefined>> {
  const timeoutMs = options.timeoutMs ?? 5000;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const value = await fact();
      if (value) return value as Exclude<T, false | 0 | '' | null | undefined>;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain for ${options.what}`, { cause });
    }
    await sleep(10);
  }
}
