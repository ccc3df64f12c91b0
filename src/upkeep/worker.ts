import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, type Job, Queue, Worker } from 'bullmq';
import type { Activity } from '../conversation/ports/notices.ts';
import { JOBS, QUEUE_NAME } from './catalog.ts';
import type { ReconcileReport } from './port.ts';

/** How soon a schedule that could not be written is retried, and how often at least it is rewritten. */
const RETRY_MS = 1000;
const RENEW_MS = 60_000;

/** A run whose worker was killed keeps the others from running for this long. */
const LOCK_MS = 10_000;

/** Longest that a close waits for Redis. */
const CLOSE_MS = 1500;

export interface WorkerOptions {
  /** Its own client; the worker opens one more beside it, which blocks. Closed by `disconnect`. */
  readonly connection: ConnectionOptions;
  disconnect(): void;
  /** Prefix of all keys, braced for Cluster. */
  readonly prefix: string;
  readonly reconcileEveryMs: number;
  reconcile(signal: AbortSignal): Promise<ReconcileReport>;
  /** Called after every successful run. */
  reconciled(report: ReconcileReport, jobId: string): void;
  failed(activity: Activity, error: unknown): void;
}

export interface JobWorker {
  /** Stops what runs and returns; in time, whatever Redis does. */
  close(): Promise<void>;
}

/**
 * Works on the jobs of the catalogue. However many workers there are, a job runs once per interval, one at a time.
 * Starts in the background: nothing here waits for Redis.
 */
export function startWorker(options: WorkerOptions): JobWorker {
  const stopped = new AbortController();
  const failed = oncePerError(stopped.signal, options.failed);
  const shared = {
    connection: options.connection,
    prefix: options.prefix,
    // The check asks for INFO, and loops for ever for a user who may not: `doctor` checks the version.
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
      // A run whose worker was killed is restarted once; the next interval comes anyway.
      maxStalledCount: 1,
      // Longest blocking wait for a job (s), and the pause after an error (ms).
      drainDelay: 5,
      runRetryDelay: 5000,
    },
  );
  // Without a listener an error event ends the process.
  queue.on('error', (error) => failed('job_work', error));
  worker.on('error', (error) => failed('job_work', error));
  worker.on('failed', (_job, error) => failed('job_run', error));
  void keepScheduled(queue, options.reconcileEveryMs, stopped.signal, failed);

  return {
    close: async () => {
      stopped.abort(new Error('the worker is closing'));
      // Neither settles while Redis is unavailable or frozen.
      const closed = Promise.allSettled([worker.close(), queue.close()]);
      await Promise.race([closed, sleep(CLOSE_MS)]);
      options.disconnect();
    },
  };
}

/**
 * Writes the schedule, and rewrites it now and then: a Redis that lost its data has lost it, too. Writing it twice
 * neither moves nor doubles a run. While Redis is unavailable the call just waits.
 */
async function keepScheduled(
  queue: Queue,
  everyMs: number,
  signal: AbortSignal,
  failed: (activity: Activity, error: unknown) => void,
): Promise<void> {
  const { attempts, backoffMs, keepCompleted, keepFailed } = JOBS.reconcile;
  while (!signal.aborted) {
    let waitMs = Math.min(Math.max(everyMs, RETRY_MS), RENEW_MS);
    try {
      // The next run is created when one begins, so long runs would overlap.
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
      failed('job_schedule', error);
      waitMs = RETRY_MS;
    }
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One error reaches the connection, the queue and the worker; those while closing are expected. */
function oncePerError(stopped: AbortSignal, report: (activity: Activity, error: unknown) => void) {
  const reported = new WeakSet<object>();
  return (activity: Activity, error: unknown) => {
    if (stopped.aborted) return;
    if (typeof error === 'object' && error !== null) {
      if (reported.has(error)) return;
      reported.add(error);
    }
    report(activity, error);
  };
}
