import type { Logger } from 'pino';
import { Seldom } from './seldom.ts';

/** What a failure is about; without it, it is about this replica and may repeat as long as Redis is away. */
export interface FailureIds {
  readonly session: string;
  readonly turn: string;
}

/** Warns of failures: of each that a turn met, and of the same one of the replica itself now and then. */
export function failureLog(logger: Logger) {
  const seldom = new Seldom();
  return (what: string, error: unknown, ids?: FailureIds): void => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    const untold = ids === undefined ? seldom.next(`${what} ${code}`) : 0;
    if (untold === null) return;
    logger.warn({ err: error, code, ...ids, ...(untold > 0 ? { untold } : {}) }, `could not ${what}`);
  };
}
