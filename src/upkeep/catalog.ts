/** All background work on one screen. */
export interface JobEntry {
  /** Name of the setting that says how often. */
  readonly every: 'RECONCILE_INTERVAL_SECONDS';
  /** Tries of one run before it fails; the next run is due anyway. */
  readonly attempts: number;
  readonly backoffMs: number;
  /** Ended runs that BullMQ keeps for inspection. */
  readonly keepCompleted: number;
  readonly keepFailed: number;
}

export const QUEUE_NAME = 'jobs';

export const JOBS = {
  /** Makes indexes, counts and TTLs agree with the sessions. */
  reconcile: {
    every: 'RECONCILE_INTERVAL_SECONDS',
    attempts: 3,
    backoffMs: 1000,
    keepCompleted: 20,
    keepFailed: 50,
  },
} as const satisfies Record<string, JobEntry>;
