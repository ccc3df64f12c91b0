import { writeFileSync } from 'node:fs';
import { LEFT_OUT, ROWS } from '../catalogue.ts';
import { STANDSTILL_MS } from '../rig/standstill.ts';
import type { RowState, RunState } from '../state.ts';
import { soakChart } from './chart.ts';
import { percentile } from './figures.ts';
import { evidenceFile, versions } from './versions.ts';

/** Writes the findings of the long run. */
export function writeEvidence(state: RunState): void {
  const done = ROWS.flatMap((row) => {
    const found = state.rows[row.id];
    return found === undefined ? [] : [{ row, found }];
  });
  const trials = done.reduce((sum, { found }) => sum + found.done, 0);
  const violations = done.reduce((sum, { found }) => sum + found.violations, 0);
  const voids = done.reduce((sum, { found }) => sum + (found.voids ?? 0), 0);
  const lines = [
    '# Faults: trials and results',
    '',
    `${trials} trials, ${violations} violations. Begun ${state.startedAt}, ended ${new Date().toISOString()}.`,
    `${versions()}. Seed ${state.seed}; trial k of a row has seed ${state.seed} + k. Command: \`${state.command}\`.`,
    ...(voids === 0 ? [] : [voidSentence(voids)]),
    '',
    'After every trial the history, the prompts, the streams and the logs are checked against ten invariants, by a checker',
    'that knows only the HTTP API and what the model was shown; they are listed in [fault-guards.md](fault-guards.md).',
    '',
    'The run also writes each history in which nothing may be lost to `faults-out/elle/`, in the list-append form of',
    '[Elle](https://github.com/jepsen-io/elle) (EDN): [elle-cli](https://github.com/ligurio/elle-cli) reads them with',
    '`--model list-append`. No run of that checker is part of this page.',
    '',
    '| Row | Fault | Holds, beside I1 to I10 | Trials | Violations | Counted |',
    '| --- | --- | --- | --- | --- | --- |',
    ...done.map(({ row, found }) => {
      const counts = Object.entries(found.counts).map(([name, count]) => `${count} ${name}`);
      const done = found.done < found.planned ? `${found.done} of ${found.planned}` : found.done;
      return `| ${[row.id, row.fault, row.holds, done, found.violations, counts.join(', ')].join(' | ')} |`;
    }),
    '',
    '## Times',
    '',
    '| Row | What | p50 ms | p99 ms | Samples |',
    '| --- | --- | --- | --- | --- |',
    ...done.flatMap(({ row, found }) => timesOf(row.id, found)),
    '',
    ...soakOf(state),
    '## How rows were played',
    '',
    ...ROWS.flatMap((row) => (row.played === null ? [] : [`- ${row.id}: ${row.played}.`])),
    '',
    '## Left out',
    '',
    ...LEFT_OUT.map(({ id, why }) => `- ${id}: ${why}.`),
    '',
  ];
  writeFileSync(evidenceFile('faults.md'), lines.join('\n'));
}

function voidSentence(voids: number): string {
  return (
    `${voids} more did not count and were repeated: the machine stalled for more than ` +
    `${STANDSTILL_MS / 1000} s, the rig as well as the server.`
  );
}

/** Memory and descriptors of the undisturbed replica of the soak; nothing without a soak. */
function soakOf(state: RunState): string[] {
  const samples = state.rows.R37?.samples ?? [];
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return [];
  writeFileSync(evidenceFile('soak.svg'), soakChart(samples));
  const most = Math.max(...samples.map(({ rssBytes }) => rssBytes));
  const mb = (bytes: number) => Math.round(bytes / 1e6);
  return [
    '## Soak',
    '',
    `Resident memory of the undisturbed replica: ${mb(first.rssBytes)} MB before, at most ${mb(most)} MB, ` +
      `${mb(last.rssBytes)} MB after. Open files: ${first.openFiles} before, ${last.openFiles} after.`,
    '',
    '![memory and open files over the soak](soak.svg)',
    '',
  ];
}

function timesOf(id: string, found: RowState): string[] {
  return Object.entries(found.figures).map(([name, values]) => {
    const [p50, p99] = [percentile(values, 0.5), percentile(values, 0.99)];
    return `| ${[id, name, Math.round(p50), Math.round(p99), values.length].join(' | ')} |`;
  });
}
