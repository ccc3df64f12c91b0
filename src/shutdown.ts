import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { announceOrphans } from './redis/mailbox.ts';
import type { Replica } from './wiring.ts';

export interface Running {
  readonly app: FastifyInstance;
  readonly replica: Replica;
  stopRecovery(): void;
  stopWorker(): Promise<void>;
}

export interface ShutdownTimes {
  /** Turns are still admitted for so long, while balancers notice that /readyz says no. */
  readonly delayMs: number;
  /** Then running turns may end for so long. */
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
 * Still admits for a while; then refuses, and lets running turns end; hands over what is left, as if this
 * replica had died but without the wait; then closes what is open.
 */
async function shutDown(running: Running, times: ShutdownTimes): Promise<void> {
  const { app, replica } = running;
  const { live } = replica.turns;
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
    await announceOrphans(replica.redis.client, replica.redis.keys).catch(() => {});
  }
  await running.stopWorker();
  await Promise.race([app.close(), sleep(2000)]);
  replica.redis.close();
  await replica.model.close();
}
