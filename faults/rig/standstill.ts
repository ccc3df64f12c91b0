/**
 * The model, the proxies and the clients of the rig live in this program: what it sleeps through, nobody answers. A replica
 * waits 450 ms for Redis before it says that it cannot reach it, which would be true and no fault of the row.
 */
export const STANDSTILL_MS = 400;

const TICK_MS = 100;

/**
 * Looks how long this program stands still, as it does with the whole machine when that is paused.
 *
 * @returns the longest time until it is asked the first time, in ms; then it looks no more
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
