import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenReplica } from './open-replica.ts';

export interface Running extends OpenReplica {
  stopWorker(): Promise<void>;
}

export interface ShutdownTimes {
  /** How long turns are still admitted, while balancers notice that /readyz says no. */
  readonly delayMs: number;
  /** How long running turns may then take to end. */
  readonly graceMs: number;
}

const LOOK_EVERY_MS = 20;

/** Leaves in order on the first SIGTERM or SIGINT; at once on the second. */
export function shutDownOnSignal(running: Running, times: ShutdownTimes): void {
  let isLeaving = false;
  const leave = (signal: NodeJS.Signals) => {
    if (isLeaving) process.exit(1);
    isLeaving = true;
    running.app.log.info({ signal }, 'shutting down');
    shutDown(running, signal === 'SIGINT' ? { ...times, delayMs: 0 } : times).then(
      () => process.exit(0),
      (error: unknown) => {
        running.app.log.error({ err: error }, 'shutdown failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
}

/**
 * Still admits for a while; then refuses, and lets running turns end; hands over what is left, as if this replica had
 * died but without the wait; then closes what is open.
 */
export async function shutDown(running: Running, times: ShutdownTimes): Promise<void> {
  const { app, replica } = running;
  const { live } = replica;
  live.leave();
  await sleep(times.delayMs);
  live.drain();
  running.stopRecovery();
  const until = performance.now() + times.graceMs;
  while (live.size > 0 && performance.now() < until) await sleep(LOOK_EVERY_MS);
  if (live.size > 0) {
    live.loseAll('draining');
    const handedOver = performance.now() + 2000;
    while (live.size > 0 && performance.now() < handedOver) await sleep(LOOK_EVERY_MS);
    await replica.redis.announceOrphans().catch(() => {});
  }
  await running.stopWorker();
  await Promise.race([app.close(), sleep(2000)]);
  replica.redis.close();
  await replica.model.close();
}
