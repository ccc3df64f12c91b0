import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  RECONCILE_PARTS,
  REPAIR_KINDS,
  type ReconcilePart,
  type ReconcileProgress,
  type ReconcileReport,
  type ReconcileStore,
  type RepairKind,
  type SkippedKey,
} from './port.ts';

/** Skipped keys that the report names; it counts all. */
const SKIPPED_NAMED = 100;

/** Longest pause after a step, in ms. */
const LONGEST_PAUSE_MS = 50;

export interface ReconcileOptions {
  readonly isDryRun: boolean;
  readonly signal?: AbortSignal;
  /** Called after every step. */
  progressed?(progress: ReconcileProgress): void;
}

/**
 * Makes lists, counts and TTLs match what is stored, in small steps with pauses between them; a second run changes
 * nothing.
 *
 * @throws TurnwiseError when Redis is unavailable; AbortError when the signal fires
 */
export async function reconcile(store: ReconcileStore, options: ReconcileOptions): Promise<ReconcileReport> {
  const startedAt = new Date();
  const begun = performance.now();
  const repairs = Object.fromEntries(REPAIR_KINDS.map((kind) => [kind, 0])) as Record<RepairKind, number>;
  const scanned: Record<ReconcilePart, number> = { sessions: 0, index: 0, running: 0 };
  const skipped: SkippedKey[] = [];
  let skippedCount = 0;

  for (const part of RECONCILE_PARTS) {
    let stepBegun = performance.now();
    for await (const step of store.walk(part, options.isDryRun)) {
      scanned[part] += step.scanned;
      for (const kind of REPAIR_KINDS) repairs[kind] += step.repairs[kind] ?? 0;
      skippedCount += step.skipped.length;
      skipped.push(...step.skipped.slice(0, SKIPPED_NAMED - skipped.length));
      options.progressed?.({ part, scanned: scanned[part], repairs: sumOf(repairs) });
      // As long as the step took: this never takes more than half of what Redis could do.
      const stepMs = performance.now() - stepBegun;
      await sleep(Math.min(stepMs, LONGEST_PAUSE_MS), undefined, { signal: options.signal });
      stepBegun = performance.now();
    }
  }

  const report: ReconcileReport = {
    started_at: startedAt.toISOString(),
    ended_at: new Date().toISOString(),
    duration_ms: Math.round(performance.now() - begun),
    sessions: (await store.countSessions()) ?? scanned.sessions,
    scanned: scanned.sessions,
    ...repairs,
    skipped,
    skipped_count: skippedCount,
    dry_run: options.isDryRun,
  };
  if (!options.isDryRun) await store.save(report);
  return report;
}

export function sumOf(repairs: Readonly<Record<RepairKind, number>>): number {
  return REPAIR_KINDS.reduce((sum, kind) => sum + repairs[kind], 0);
}
