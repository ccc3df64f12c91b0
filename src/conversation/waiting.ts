import { performance } from 'node:perf_hooks';

export interface RetryOptions {
  /** How long to keep trying, from now. */
  readonly forMs: number;
  /** Pause before the next try, by how many have failed. */
  readonly pauseMs: (failures: number) => number;
  /** Whether another try may help; otherwise the error is thrown at once. */
  readonly mayPass: (error: unknown) => boolean;
  /** Ends the pauses and the tries. */
  readonly signal?: AbortSignal;
  /** No caller waits for it: the process may exit meanwhile. */
  readonly isBackground?: boolean;
}

/** Tries until it succeeds. @throws the last error, when no try can help, the time is up, or the signal fired */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const untilMs = performance.now() + options.forMs;
  for (let failures = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      failures += 1;
      const isOver = options.signal?.aborted === true || performance.now() >= untilMs;
      if (isOver || !options.mayPass(error)) throw error;
      await pause(options.pauseMs(failures), options);
    }
  }
}

/** 75 to 125 percent of a pause, so that those that wait for the same thing do not retry together. */
export function jittered(ms: number): number {
  return ms * (0.75 + Math.random() / 2);
}

function pause(ms: number, { signal, isBackground = false }: RetryOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  if (isBackground) timer.unref();
  const leave = () => {
    clearTimeout(timer);
    resolve();
  };
  signal?.addEventListener('abort', leave, { once: true });
  return promise.finally(() => signal?.removeEventListener('abort', leave));
}

/**
 * Wakes one sleeper. A call while there is none is kept for the next sleep, so that nothing is missed between a check
 * and the sleep after it.
 */
export class Wakeup {
  #isPending = false;
  #wake: (() => void) | null = null;

  call(): void {
    this.#isPending = true;
    this.#wake?.();
  }

  /** Sleeps until it is called, or for `timeoutMs`. */
  async sleep(timeoutMs?: number): Promise<void> {
    if (!this.#isPending) {
      await new Promise<void>((resolve) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = null;
    this.#isPending = false;
  }
}
