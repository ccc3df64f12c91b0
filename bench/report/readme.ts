import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SectionResult } from '../bench.ts';
import { barsAsSvg } from './bars-svg.ts';
import { asMarkdown } from './tables.ts';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
const PICTURE = fileURLToPath(new URL('../figures.svg', import.meta.url));

const [BEGIN, END] = ['<!-- figures -->', '<!-- end of figures -->'];

/** Writes the figures of a full run between the marks of the page, and the picture next to it. */
export function writeFigures(machine: string, results: readonly SectionResult[]): void {
  const page = readFileSync(README, 'utf8');
  const [before, after] = [page.split(BEGIN)[0], page.split(END)[1]];
  if (before === undefined || after === undefined)
    throw new Error('bench/README.md has no marks for the figures');
  const tables = results.flatMap((result) => result.tables).map(asMarkdown);
  const picture = '![Turns per second: server, passthrough and bare proxy](figures.svg)';
  writeFileSync(README, `${before}${[BEGIN, machine, picture, ...tables, END].join('\n\n')}${after}`);
  writeFileSync(PICTURE, barsAsSvg(results.flatMap((result) => result.bars)));
}
