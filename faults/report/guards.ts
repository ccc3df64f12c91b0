import { writeFileSync } from 'node:fs';
import { INVARIANTS } from '../checker/check.ts';
import type { InvariantId, Violation } from '../checker/story.ts';
import { evidenceFile, versions } from './versions.ts';

/** What was seen without one guard. */
export interface GuardResult {
  readonly name: string;
  readonly without: string;
  readonly row: string;
  readonly seed: number;
  readonly trials: number;
  /** Invariants that turned red, with the first words of each. */
  readonly red: Readonly<Partial<Record<Violation['invariant'], string>>>;
}

/** Writes the table of guard by invariant. */
export function writeGuards(results: readonly GuardResult[]): void {
  const ids = Object.keys(INVARIANTS) as InvariantId[];
  const rows = results.map(({ name, without, row, trials, red }) => {
    const marks = [...ids, 'figure' as const].map((id) => (id in red ? 'red' : ''));
    return `| ${[name, without, `${row}, ${trials}`, ...marks].join(' | ')} |`;
  });
  const lines = [
    '# Every guard, taken out',
    '',
    'Each guard is taken out of a copy of the built product in turn, by changing its text; the product itself has no',
    'switch for it. Then the rows named here ([faults.md](faults.md) says what each is) run until the checker sees a violation. *red*: the invariant was seen',
    'broken without that guard; in the last column, what the row itself demands. With all guards in place the same rows see nothing.',
    '',
    `Written by \`npm run faults -- --guards\`, ${new Date().toISOString().slice(0, 10)}. ${versions()}.`,
    '',
    `| Guard | Without it | Row, trials | ${ids.join(' | ')} | row |`,
    `| --- | --- | --- | ${ids.map(() => '---').join(' | ')} | --- |`,
    ...rows,
    '',
    '## What each invariant says',
    '',
    ...ids.map((id) => `- ${id}: ${INVARIANTS[id]}.`),
    '',
  ];
  writeFileSync(evidenceFile('fault-guards.md'), lines.join('\n'));
}
