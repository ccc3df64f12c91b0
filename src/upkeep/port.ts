import type { Message, SessionRef } from '../conversation/session.ts';

/**
 * What a reconcile counts, by the names of its report. `index_*` are entries of both indexes, `running_*` of the list
 * of live turns; `sessions_freed` were kept busy by a turn whose record is gone.
 */
export const REPAIR_KINDS = [
  'index_removed',
  'index_added',
  'counts_repaired',
  'queue_dropped',
  'ttl_repaired',
  'sessions_freed',
  'running_removed',
  'running_added',
] as const;
export type RepairKind = (typeof REPAIR_KINDS)[number];
export type Repairs = Readonly<Record<RepairKind, number>>;

/** A key that cannot be repaired, because what it holds is not ours. */
export interface SkippedKey {
  readonly key: string;
  readonly reason: string;
}

/** What one bounded step looked at, and what it changed (or would change). */
export interface ReconcileStep {
  readonly scanned: number;
  readonly repairs: Partial<Repairs>;
  readonly skipped: readonly SkippedKey[];
}

/** In this order, because the lists must match what the sessions say. */
export const RECONCILE_PARTS = ['sessions', 'index', 'running'] as const;
export type ReconcilePart = (typeof RECONCILE_PARTS)[number];

/** Walks and repairs what is stored. All methods throw TurnwiseError `redis_unavailable`. */
export interface ReconcileStore {
  /** Every session, every entry of the indexes, or every live turn, in bounded steps that may be empty. */
  walk(part: ReconcilePart, isDryRun: boolean): AsyncIterable<ReconcileStep>;
  /** Live sessions by the index; null when it cannot be read. */
  countSessions(): Promise<number | null>;
  save(report: ReconcileReport): Promise<void>;
}

/** How far a reconcile is. */
export interface ReconcileProgress {
  readonly part: ReconcilePart;
  /** Looked at in this part. */
  readonly scanned: number;
  /** Repairs so far, of all parts. */
  readonly repairs: number;
}

/** A reconcile's report, as it is stored and shown; times in ISO 8601. */
export interface ReconcileReport extends Repairs {
  readonly started_at: string;
  readonly ended_at: string;
  readonly duration_ms: number;
  /** Live sessions at the end. */
  readonly sessions: number;
  /** Sessions looked at. */
  readonly scanned: number;
  /** Skipped keys, only the first; `skipped_count` counts all. */
  readonly skipped: readonly SkippedKey[];
  readonly skipped_count: number;
  readonly dry_run: boolean;
}

/** What a look at one session found; nothing was changed. */
export type Examined =
  | { readonly kind: 'gone' }
  | { readonly kind: 'corrupt'; readonly skipped: readonly SkippedKey[] }
  | {
      readonly kind: 'ok';
      /** What a reconcile would repair in it. */
      readonly repairs: Partial<Repairs>;
      readonly fence: string;
      readonly epoch: string;
      readonly runningTurnId: string | null;
      readonly waitingTurnIds: readonly string[];
      readonly skipped: readonly SkippedKey[];
    };

/** For an operator to look; changes nothing. All methods throw TurnwiseError `redis_unavailable`. */
export interface SessionExaminer {
  /** Sessions of all owners as the keyspace has them, in bounded steps that may be empty. */
  sessions(): AsyncIterable<readonly SessionRef[]>;
  examine(session: SessionRef): Promise<Examined>;
  /** The whole stored history, oldest first, in bounded steps. @throws corrupt_session */
  history(session: SessionRef): AsyncIterable<readonly Message[]>;
}
