import type { Logger } from 'pino';
import { ACTIVITIES, type Activity } from '../conversation/ports/notices.ts';
import { RepeatLimiter } from './repeat-limiter.ts';

/** The turn that a failure is about; without it, it is about this replica and may repeat while Redis is unavailable. */
export interface FailureIds {
  readonly session: string;
  readonly turn: string;
}

/** Warns of failures: of each that a turn met, and of a repeated one of the replica itself only now and then. */
export function failureLog(logger: Logger) {
  const limiter = new RepeatLimiter();
  return (activity: Activity, error: unknown, ids?: FailureIds): void => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    const suppressed = ids === undefined ? limiter.next(`${activity} ${code}`) : 0;
    if (suppressed === null) return;
    logger.warn(
      { err: error, activity, code, ...ids, ...(suppressed > 0 ? { suppressed } : {}) },
      `could not ${ACTIVITIES[activity]}`,
    );
  };
}
