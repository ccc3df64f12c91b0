import { performance } from 'node:perf_hooks';
import { REPAIR_KINDS, type ReconcileProgress, type ReconcileReport } from '../upkeep/port.ts';
import { duration, renderTable } from './table.ts';
import { printable, type Terminal, toJson } from './terminal.ts';

/** Runs a reconcile and reports its progress. */
export type RunReconcile = (progressed: (progress: ReconcileProgress) => void) => Promise<ReconcileReport>;

/** A line is redrawn on a terminal; elsewhere each is one more line of a log. */
const DRAW_EVERY_MS = 100;
const LINE_EVERY_MS = 1000;

const SAYS: Readonly<Record<(typeof REPAIR_KINDS)[number], string>> = {
  index_removed: 'index entries of gone sessions removed',
  index_added: 'index entries added or put right',
  counts_repaired: 'message counts repaired',
  queue_dropped: 'queue entries dropped whose turn is gone',
  ttl_repaired: 'sessions whose TTLs were repaired',
  sessions_freed: 'sessions freed of a turn that is gone',
  running_removed: 'ended turns removed from the list of live ones',
  running_added: 'live turns put back on their list',
};

/** `reconcile`: one run now. @returns the exit code */
export async function reconcileNow(
  run: RunReconcile,
  terminal: Terminal,
  options: { readonly json?: boolean | undefined },
): Promise<number> {
  const draw = progressLine(terminal);
  const report = await run(draw.show).finally(draw.clear);
  terminal.out(options.json ? toJson(report) : reportText(report, terminal.columns));
  return 0;
}

function progressLine(terminal: Terminal) {
  const everyMs = terminal.isErrTerminal ? DRAW_EVERY_MS : LINE_EVERY_MS;
  let shownAt = performance.now();
  return {
    show: ({ part, scanned, repairs }: ReconcileProgress) => {
      if (performance.now() - shownAt < everyMs) return;
      shownAt = performance.now();
      const text = `${part}: ${scanned} looked at, ${repairs} repairs`;
      terminal.err(terminal.isErrTerminal ? `\r\x1b[2K${text}` : `${text}\n`);
    },
    clear: () => {
      if (terminal.isErrTerminal) terminal.err('\r\x1b[2K');
    },
  };
}

function reportText(report: ReconcileReport, columns: number | null): string {
  const rows = [
    ['live sessions', String(report.sessions)],
    ['sessions looked at', String(report.scanned)],
    ['took', report.duration_ms < 1000 ? `${report.duration_ms} ms` : duration(report.duration_ms)],
    ...REPAIR_KINDS.map((kind) => [SAYS[kind], String(report[kind])]),
    ['keys skipped', String(report.skipped_count)],
    ...report.skipped.map(({ key, reason }) => [`  ${printable(key)}`, printable(reason)]),
  ];
  const note = report.dry_run ? 'A dry run: nothing was changed.\n' : '';
  return renderTable(rows, columns) + note;
}
