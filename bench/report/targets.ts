import type { Table } from '../bench.ts';
import type { Outcome } from '../goals.ts';
import { shown, shownSpread } from '../statistics.ts';

/** The project's targets, and what this run reaches of them. */
export function targetsTable(outcomes: readonly Outcome[]): Table {
  return {
    title: 'Targets',
    head: ['', 'measured', 'target', ''],
    rows: outcomes.map(({ what, measured, target, is }) => [
      what,
      measured.least === measured.most ? shown(measured.median) : shownSpread(measured),
      target,
      is,
    ]),
    note: 'least – median – most over the rounds; the median counts. Ratios are taken within one round.',
  };
}
