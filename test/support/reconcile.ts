import { runJson } from '../../testkit/server/command.ts';
import type { Store } from '../../testkit/server/deployment.ts';

/** The fields of the report that tests check. */
export interface Report {
  readonly sessions: number;
  readonly scanned: number;
  readonly index_removed: number;
  readonly index_added: number;
  readonly counts_repaired: number;
  readonly queue_dropped: number;
  readonly ttl_repaired: number;
  readonly sessions_freed: number;
  readonly running_removed: number;
  readonly running_added: number;
  readonly skipped: readonly { readonly key: string; readonly reason: string }[];
  readonly skipped_count: number;
}

/** Runs `reconcile` as an operator does. */
export function runReconcile(store: Store, ...options: string[]): Promise<Report> {
  return runJson<Report>(['reconcile', ...options], { ...store.env, LOCK_TTL_MS: '1000' });
}
