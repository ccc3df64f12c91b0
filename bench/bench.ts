import type { Reached } from './goals.ts';
import type { BenchOptions } from './options.ts';
import type { Model } from './program.ts';
import type { Spread } from './statistics.ts';

/** The parameters of every section. */
export interface Bench {
  readonly options: BenchOptions;
  readonly model: Model;
  /** The built server. */
  readonly entry: string;
  /** Reports progress. */
  tell(line: string): void;
}

export interface Table {
  readonly title: string;
  /** Names of the columns; all but the first are numbers. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note?: string;
}

/** Bars to compare. */
export interface BarGroup {
  readonly title: string;
  readonly bars: readonly { readonly name: string; readonly value: Spread }[];
}

export interface SectionResult {
  readonly tables: readonly Table[];
  readonly bars: readonly BarGroup[];
  /** All measurements, for programs. */
  readonly data: unknown;
  /** What it measured of the project's targets. */
  readonly reached?: Reached;
}

/** Ends what was started, newest first, even if the work failed. */
export async function withStops<T>(
  work: (atEnd: (stop: () => Promise<void>) => void) => Promise<T>,
): Promise<T> {
  const stops: (() => Promise<void>)[] = [];
  try {
    return await work((stop) => stops.push(stop));
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}
