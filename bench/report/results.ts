import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { commitOfCheckout } from '../../testkit/process/commit.ts';
import type { SectionResult } from '../bench.ts';
import { ROOT } from '../build.ts';
import type { Outcome } from '../goals.ts';
import type { BenchOptions } from '../options.ts';
import { barsAsSvg } from './bars-svg.ts';
import { asMarkdown } from './tables.ts';
import { targetsTable } from './targets.ts';

/** What one run of the bench has found. */
export interface BenchRun {
  /** The machine, in words. */
  readonly machine: string;
  readonly options: BenchOptions;
  readonly results: ReadonlyMap<string, SectionResult>;
  readonly outcomes: readonly Outcome[];
  readonly tookMs: number;
}

const README = join(ROOT, 'bench/README.md');
const RESULTS = join(ROOT, 'bench/results');
const OUT = join(ROOT, 'bench/out');

const [BEGIN, END] = ['<!-- figures -->', '<!-- end of figures -->'];

/** Everything that was measured, for programs. */
export function figuresAsJson(run: BenchRun): string {
  const { machine, options, results, outcomes, tookMs } = run;
  const figures = {
    commit: commitOfCheckout(),
    date: new Date().toISOString(),
    machine,
    minutes: Math.round(tookMs / 6000) / 10,
    options,
    targets: outcomes,
    sections: Object.fromEntries([...results].map(([name, { data }]) => [name, data])),
  };
  return `${JSON.stringify(figures, null, 1)}\n`;
}

/** Keeps the figures of a short or partial run, which are not to be quoted. @returns the file */
export function keepFigures(run: BenchRun): string {
  mkdirSync(OUT, { recursive: true });
  return written(join(OUT, 'figures.json'), figuresAsJson(run));
}

/**
 * Publishes the figures of a full run: as JSON, as pictures, and between the marks of the bench's page.
 *
 * @returns the files
 */
export function publishFigures(run: BenchRun): readonly string[] {
  mkdirSync(RESULTS, { recursive: true });
  const page = readFileSync(README, 'utf8');
  const [before, after] = [page.split(BEGIN)[0], page.split(END)[1]];
  if (before === undefined || after === undefined)
    throw new Error('bench/README.md has no marks for the figures');
  const json = written(join(RESULTS, 'figures.json'), figuresAsJson(run));
  const pictures = [
    { file: 'turns.svg', says: 'server, passthrough and bare proxy', of: ['json', 'sse'] },
    { file: 'peers.svg', says: 'the server beside other servers of conversations', of: ['peers'] },
  ].flatMap(({ file, says, of }) => {
    const bars = of.flatMap((name) => run.results.get(name)?.bars ?? []);
    if (bars.length === 0) return [];
    return [
      { file: written(join(RESULTS, file), barsAsSvg(bars)), link: `![Turns/s: ${says}](results/${file})` },
    ];
  });
  const tables = [targetsTable(run.outcomes), ...[...run.results.values()].flatMap(({ tables }) => tables)];
  const machine = `${run.machine} The run took ${Math.round(run.tookMs / 60_000)} minutes.`;
  const parts = [BEGIN, machine, ...pictures.map(({ link }) => link), ...tables.map(asMarkdown), END];
  writeFileSync(README, `${before}${parts.join('\n\n')}${after}`);
  return [json, ...pictures.map(({ file }) => file), relative(ROOT, README)];
}

function written(file: string, text: string): string {
  writeFileSync(file, text);
  return relative(ROOT, file);
}
