import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, type Job, Queue, Worker } from 'bullmq';
import type { ReconcileReport } from '../conversation/reconcile-port.ts';
import { JOBS, QUEUE_NAME } from './catalog.ts';

/** How soon a schedule that could not be written is tried again, and how often it is written anew at the least. */
const RETRY_MS = 1000;
const RENEW_MS = 60_000;

/** A run whose worker was killed keeps the others from running for so long. */
const LOCK_MS = 10_000;

/** Longest that a close waits for Redis. */
const CLOSE_MS = 1500;

export interface WorkerOptions {
  /** A client of its own; the worker opens one more beside it, which blocks. Ended by `disconnect`. */
  readonly connection: ConnectionOptions;
  disconnect(): void;
  /** Prefix of all keys, braced for Cluster. */
  readonly prefix: string;
  readonly reconcileEveryMs: number;
  reconcile(signal: AbortSignal): Promise<ReconcileReport>;
  /** Hears of every run that ended well. */
  reconciled(report: ReconcileReport, jobId: string): void;
  failed(what: string, error: unknown): void;
}

export interface JobWorker {
  /** Stops what runs and leaves; in time, whatever Redis does. */
  close(): Promise<void>;
}

/**
 * Works on the jobs of the catalogue. However many workers there are, a job runs once per interval, one at a
 * time. Starts in the background: nothing here waits for Redis.
 */
export function startWorker(options: WorkerOptions): JobWorker {
  const stopped = new AbortController();
  const failed = tellOnce(stopped.signal, options.failed);
  const shared = {
    connection: options.connection,
    prefix: options.prefix,
    // It asks for INFO, and spins for ever for a user who may not: `doctor` looks at the version.
    skipVersionCheck: true,
  };
  const queue = new Queue(QUEUE_NAME, shared);
  const worker = new Worker(
    QUEUE_NAME,
    async (job: Job, _token?: string, lost?: AbortSignal) => {
      const signal = lost === undefined ? stopped.signal : AbortSignal.any([stopped.signal, lost]);
      const report = await options.reconcile(signal);
      options.reconciled(report, job.id ?? '');
    },
    {
      ...shared,
      concurrency: 1,
      lockDuration: LOCK_MS,
      stalledInterval: LOCK_MS,
      // A run whose worker was killed is begun again once; the next interval comes anyway.
      maxStalledCount: 1,
      // Longest that one blocking wait for a job lasts, and rest after an error, seconds and ms.
      drainDelay: 5,
      runRetryDelay: 5000,
    },
  );
  // Without a listener an error event ends the process.
  queue.on('error', (error) => failed('work on jobs', error));
  worker.on('error', (error) => failed('work on jobs', error));
  worker.on('failed', (job, error) => failed(`run the job ${job?.name ?? ''}`, error));
  void keepScheduled(queue, options.reconcileEveryMs, stopped.signal, failed);

  return {
    close: async () => {
      stopped.abort(new Error('the worker is closing'));
      // Neither settles while Redis is away or frozen.
      const closed = Promise.allSettled([worker.close(), queue.close()]);
      await Promise.race([closed, sleep(CLOSE_MS)]);
      options.disconnect();
    },
  };
}

/**
 * Writes the schedule, and writes it again now and then: a Redis that lost its memory has lost it, too. Writing
 * it twice neither moves nor doubles a run. While Redis is away the call just waits.
 */
async function keepScheduled(
  queue: Queue,
  everyMs: number,
  signal: AbortSignal,
  failed: (what: string, error: unknown) => void,
): Promise<void> {
  const { attempts, backoffMs, keepCompleted, keepFailed } = JOBS.reconcile;
  while (!signal.aborted) {
    let waitMs = Math.min(Math.max(everyMs, RETRY_MS), RENEW_MS);
    try {
      // The next run is made when one begins, so runs that take long would overlap.
      await queue.setGlobalConcurrency(1);
      await queue.upsertJobScheduler(
        'reconcile',
        { every: everyMs },
        {
          name: 'reconcile',
          opts: {
            attempts,
            backoff: { type: 'fixed', delay: backoffMs },
            removeOnComplete: { count: keepCompleted },
            removeOnFail: { count: keepFailed },
          },
        },
      );
    } catch (error) {
      failed('schedule jobs', error);
      waitMs = RETRY_MS;
    }
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One error reaches the connection, the queue and the worker; at the end those of closing are no news. */
function tellOnce(stopped: AbortSignal, tell: (what: string, error: unknown) => void) {
  const told = new WeakSet<object>();
  return (what: string, error: unknown) => {
    if (stopped.aborted) return;
    if (typeof error === 'object' && error !== null) {
      if (told.has(error)) return;
      told.add(error);
    }
    tell(what, error);
  };
}
