import { expect } from 'vitest';
import type { ReconcileReport, ReconcileStep, ReconcileStore } from '../../src/upkeep/port.ts';
import { reconcile } from '../../src/upkeep/reconcile.ts';
import { promise } from './promises.ts';

/** A store whose parts have the given steps, or endless ones. */
function storeOf(steps: Readonly<Record<string, readonly ReconcileStep[] | undefined>>) {
  const saved: ReconcileReport[] = [];
  let taken = 0;
  const store: ReconcileStore = {
    async *walk(part) {
      for (let index = 0; steps[part] === undefined || index < steps[part].length; index += 1) {
        taken += 1;
        yield steps[part]?.[index] ?? { scanned: 1, repairs: {}, skipped: [] };
      }
    },
    countSessions: async () => null,
    save: async (report) => void saved.push(report),
  };
  return { store, saved, taken: () => taken };
}

promise(
  'reconcile.report',
  'the report adds up all steps and names a bounded number of skipped keys',
  async () => {
    const skipped = Array.from({ length: 150 }, (_, index) => ({ key: `k${index}`, reason: 'edited' }));
    const { store, saved } = storeOf({
      sessions: [
        { scanned: 3, repairs: { index_added: 2, ttl_repaired: 1 }, skipped: skipped.slice(0, 70) },
        { scanned: 4, repairs: { index_added: 1 }, skipped: skipped.slice(70) },
      ],
      index: [{ scanned: 9, repairs: { index_removed: 5 }, skipped: [] }],
      running: [],
    });
    const report = await reconcile(store, { isDryRun: false });
    expect(report).toMatchObject({
      scanned: 7,
      sessions: 7,
      index_added: 3,
      index_removed: 5,
      ttl_repaired: 1,
    });
    expect([report.skipped.length, report.skipped_count]).toEqual([100, 150]);
    expect(saved).toEqual([report]);
  },
);

promise(
  'reconcile.stops',
  'a reconcile that is aborted stops at its next step and reports nothing',
  async () => {
    const { store, saved, taken } = storeOf({});
    const stop = new AbortController();
    const progressed = () => {
      if (taken() === 3) stop.abort(new Error('closing'));
    };
    await expect(reconcile(store, { isDryRun: false, signal: stop.signal, progressed })).rejects.toThrow();
    expect([taken(), saved]).toEqual([3, []]);
  },
);
