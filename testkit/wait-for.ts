import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Default 5000. */
  readonly timeoutMs?: number;
  /** The awaited fact, for the error. */
  readonly what: string;
}

/**
 * Polls every 10 ms until the fact holds, and returns it.
 *
 * @throws   when it does not hold in time; an error of the last try is the cause
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
      throw new Error(`timed out after ${timeoutMs} ms waiting for ${options.what}`, { cause });
    }
    await sleep(10);
  }
}
