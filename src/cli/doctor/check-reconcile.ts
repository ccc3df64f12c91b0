import { duration } from '../table.ts';
import { type Finding, ok, warn } from './finding.ts';

/** Runs that may be missed before it looks as if no worker ran them. */
const MISSED_RUNS = 3;

/**
 * Whether the background job runs.
 *
 * @param lastReport  as it is stored; null when there is none
 * @param isNew       nothing was ever stored, so no replica ran yet
 */
export function checkReconcile(lastReport: string | null, everyMs: number, isNew: boolean): Finding {
  if (isNew) return ok('reconcile', 'has nothing to do yet');
  const endedAtMs = endOf(lastReport);
  const advice = 'Start a replica with WORKER=inline, or `worker` beside those with WORKER=off.';
  if (endedAtMs === null) return warn('reconcile', 'never ran', advice);
  const age = Date.now() - endedAtMs;
  const found = `last ran ${duration(age)} ago`;
  return age <= MISSED_RUNS * everyMs ? ok('reconcile', found) : warn('reconcile', found, advice);
}

function endOf(report: string | null): number | null {
  try {
    const stored: unknown = JSON.parse(report ?? 'null');
    if (typeof stored !== 'object' || stored === null || !('ended_at' in stored)) return null;
    const endedAtMs = Date.parse(String(stored.ended_at));
    return Number.isNaN(endedAtMs) ? null : endedAtMs;
  } catch {
    return null;
  }
}
