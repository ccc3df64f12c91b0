const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** Wait before the try with this number, from 1: it doubles, and a quarter is left to chance. */
export function backoffMs(tries: number): number {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** (tries - 1));
  return most * (0.75 + Math.random() / 4);
}

/** Where a browser tells that the network is back; elsewhere nobody does. */
const network = 'addEventListener' in globalThis ? (globalThis as unknown as EventTarget) : undefined;

/** Waits, until the signal fires or the browser says that the network is back. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      network?.removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    network?.addEventListener('online', end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
