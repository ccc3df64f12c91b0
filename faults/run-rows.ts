import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROWS, rowById } from './catalogue.ts';
import { elleHistory } from './checker/elle.ts';
import { type Batch, runInLanes } from './lanes.ts';
import { writeEvidence } from './report/evidence.ts';
import { describeFigure } from './report/figures.ts';
import { buildProduct, removeProduct } from './rig/product.ts';
import type { Row } from './row.ts';
import type { TrialResult } from './run-trial.ts';
import { newState, outFile, type RunState, readState, withResult, withVoid, writeState } from './state.ts';

export interface RunOptions {
  readonly isQuick: boolean;
  readonly rows: readonly string[];
  readonly seed: number | null;
  readonly trials: number | null;
  readonly lanes: number;
  readonly resumes: boolean;
}

const LONGEST = 'R37';

/** Runs rows and prints their results. @returns the exit code */
export async function runRows(options: RunOptions): Promise<number> {
  const isWhole = options.rows.length === 0 && options.trials === null;
  const file = options.isQuick ? 'quick.json' : isWhole ? 'state.json' : 'some.json';
  const earlier = options.resumes ? readState(file) : null;
  const seed = earlier?.seed ?? options.seed ?? Math.floor(Math.random() * 2 ** 32);
  let state = earlier ?? newState(commandOf(options), seed);
  const planned = (row: Row) => options.trials ?? (options.isQuick ? row.quick : row.long);
  // The longest row first, so that no lane is left with it at the end.
  const rows = rowsOf(options).toSorted((a, b) => Number(b.id === LONGEST) - Number(a.id === LONGEST));
  const batches = rows.flatMap((row): Batch[] => {
    const done = state.rows[row.id]?.done ?? 0;
    const trials = planned(row) - done;
    return trials > 0 ? [{ row, firstSeed: seed + done, trials }] : [];
  });
  console.log(`seed ${seed}; ${batches.reduce((sum, { trials }) => sum + trials, 0)} trials`);

  const product = await buildProduct();
  const begun = performance.now();
  try {
    const run = (some: readonly Batch[], lanes: number) =>
      runInLanes(some, lanes, join(product, 'main.js'), options.isQuick, (result, isVoid) => {
        const row = rowById(result.row);
        if (isVoid) {
          state = withVoid(state, row.id, seed, planned(row));
          writeState(file, state);
          return console.log(`${row.id}  seed ${result.seed}  void: the rig stalled for ${shownS(result)}`);
        }
        state = withResult(state, result, seed, planned(row));
        writeState(file, state);
        tell(result, state);
        if (!options.isQuick) exportHistory(result);
      });
    const isAlone = ({ row }: Batch) => row.isHeavy === true && !options.isQuick;
    await run(
      batches.filter((batch) => !isAlone(batch)),
      options.lanes,
    );
    await run(batches.filter(isAlone), 1);
  } finally {
    removeProduct(product);
  }
  const failed = Object.values(state.rows).filter((row) => row.violations > 0).length;
  const tookS = (performance.now() - begun) / 1000;
  if (!options.isQuick && isWhole) writeEvidence(state);
  console.log(summary(state));
  console.log(`${tookS.toFixed(0)} s`);
  console.log(`\n${Object.keys(state.rows).length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function shownS({ standstillMs }: TrialResult): string {
  return `${(standstillMs / 1000).toFixed(1)} s`;
}

function commandOf(options: RunOptions): string {
  const flags = [
    ...(options.isQuick ? ['--quick'] : []),
    ...options.rows.map((row) => `--row ${row}`),
    ...(options.trials === null ? [] : [`--trials ${options.trials}`]),
  ];
  return flags.length === 0 ? 'npm run faults' : `npm run faults -- ${flags.join(' ')}`;
}

function rowsOf(options: RunOptions): readonly Row[] {
  if (options.rows.length > 0) return options.rows.map(rowById);
  return options.isQuick ? ROWS.filter((row) => row.quick > 0) : ROWS;
}

/** One line per trial; after a violation the whole story, here and in a file. */
function tell(result: TrialResult, state: RunState): void {
  const row = state.rows[result.row];
  const how = result.violations.length === 0 ? 'ok' : `${result.violations.length} VIOLATIONS`;
  const counts = Object.entries(result.counts).map(([name, count]) => `${count} ${name}`);
  const figures = result.figures.map(({ name, ms }) => `${name} ${Math.round(ms)} ms`).slice(0, 3);
  const details = [...counts, ...figures].join(', ');
  const place = `${row?.done}/${row?.planned}`.padStart(9);
  const tookS = (result.tookMs / 1000).toFixed(1);
  console.log(`${result.row.padEnd(4)}${place}  seed ${result.seed}  ${how}  ${tookS} s  ${details}`);
  if (result.violations.length === 0) return;
  const again = `npm run faults -- --row ${result.row} --seed ${result.seed} --trials 1`;
  const text = `${result.row} seed ${result.seed}\nto replay it: ${again}\n${result.telling}\n`;
  const path = outFile('stories', `${result.row}-${result.seed}.txt`);
  writeFileSync(path, text);
  console.log(text);
}

/** For another checker: the same history in Elle's form. */
function exportHistory(result: TrialResult): void {
  const history = result.story === null ? null : elleHistory(result.story);
  if (history !== null) writeFileSync(outFile('elle', `${result.row}-${result.seed}.edn`), history);
}

function summary(state: RunState): string {
  const lines = Object.entries(state.rows).map(([id, row]) => {
    const figures = Object.entries(row.figures).map(([name, values]) => `${name}: ${describeFigure(values)}`);
    return `${id.padEnd(4)} ${row.done} trials, ${row.violations} violations${figures.map((text) => `; ${text}`).join('')}`;
  });
  return `\n${lines.join('\n')}`;
}
