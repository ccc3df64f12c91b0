/**
 * The model, the proxies and the clients of the rig run in this process: while it stalls, they do not reply. A replica
 * waits 450 ms for Redis before it reports it unreachable, which would be correct but not a fault of the row.
 */
export const STANDSTILL_MS = 400;

const TICK_MS = 100;

/**
 * Measures how long this process stalls, for example while the whole machine is paused.
 *
 * @returns a function that stops measuring and returns the longest stall, in ms
 */
export function watchStandstill(): () => number {
  let longestMs = 0;
  let lastAt = performance.now();
  const look = () => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - lastAt - TICK_MS);
    lastAt = now;
  };
  const timer = setInterval(look, TICK_MS);
  let isOver = false;
  return () => {
    if (!isOver) look();
    isOver = true;
    clearInterval(timer);
    return longestMs;
  };
}
