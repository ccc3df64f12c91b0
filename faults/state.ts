import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './rig/product.ts';
import type { TrialResult } from './run-trial.ts';
import type { Sample } from './trial.ts';

export const OUT = join(ROOT, 'faults-out');

/** The results of a run so far, for one row. */
export interface RowState {
  readonly firstSeed: number;
  readonly planned: number;
  readonly done: number;
  readonly violations: number;
  /** Trials that did not count because the rig stalled. */
  readonly voids?: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Times in ms by the name of the figure. */
  readonly figures: Readonly<Record<string, readonly number[]>>;
  /** Samples of the one replica that a soak does not disturb. */
  readonly samples: readonly Sample[];
}

export interface RunState {
  readonly command: string;
  readonly startedAt: string;
  readonly seed: number;
  readonly rows: Readonly<Record<string, RowState>>;
}

export function newState(command: string, seed: number): RunState {
  return { command, startedAt: new Date().toISOString(), seed, rows: {} };
}

/** The state after one more trial. */
export function withResult(
  state: RunState,
  result: TrialResult,
  firstSeed: number,
  planned: number,
): RunState {
  const before = state.rows[result.row] ?? noTrials(firstSeed, planned);
  const counts: Record<string, number> = { ...before.counts };
  for (const [name, count] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + count;
  const figures: Record<string, readonly number[]> = { ...before.figures };
  for (const { name, ms } of result.figures)
    figures[name] = [...(figures[name] ?? []), Math.round(ms * 10) / 10];
  const row: RowState = {
    ...before,
    done: before.done + 1,
    violations: before.violations + result.violations.length,
    counts,
    figures,
    samples: [...before.samples, ...following(result.samples, before.samples.at(-1))],
  };
  return { ...state, rows: { ...state.rows, [result.row]: row } };
}

/** A resumed run has another clock and another replica: its samples are appended to the earlier ones. */
function following(samples: readonly Sample[], last: Sample | undefined): readonly Sample[] {
  const [first] = samples;
  if (first === undefined || last === undefined || first.at > last.at) return samples;
  return samples.map((sample) => ({ ...sample, at: sample.at - first.at + last.at }));
}

/** The state after a trial that does not count. */
export function withVoid(state: RunState, row: string, firstSeed: number, planned: number): RunState {
  const before = state.rows[row] ?? noTrials(firstSeed, planned);
  return { ...state, rows: { ...state.rows, [row]: { ...before, voids: (before.voids ?? 0) + 1 } } };
}

function noTrials(firstSeed: number, planned: number): RowState {
  return { firstSeed, planned, done: 0, violations: 0, counts: {}, figures: {}, samples: [] };
}

export function writeState(file: string, state: RunState): void {
  const path = outFile(file);
  writeFileSync(`${path}.new`, JSON.stringify(state));
  renameSync(`${path}.new`, path);
}

export function readState(file: string): RunState | null {
  const path = join(OUT, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RunState) : null;
}

/** A path in the folder of runs, which is created when missing. */
export function outFile(...parts: readonly string[]): string {
  const path = join(OUT, ...parts);
  mkdirSync(join(path, '..'), { recursive: true });
  return path;
}
