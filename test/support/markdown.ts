import type { SourceFile } from './source-files.ts';

/** Trimmed cells of a table row. */
export type Row = readonly string[];

/**
 * Rows of the first table under a heading, without its head.
 *
 * @throws   when there is no such heading or no table under it
 */
export function tableUnder(file: SourceFile, heading: string): readonly Row[] {
  const lines = file.text.split('\n');
  const at = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (at < 0) throw new Error(`${file.path} has no heading "${heading}"`);
  const [table] = tablesIn(lines.slice(at + 1));
  if (table === undefined) throw new Error(`${file.path} has no table under "${heading}"`);
  return table.rows;
}

/** Rows of all tables in a file whose head begins with this cell. */
export function rowsOfTables(file: SourceFile, firstHead: string): readonly Row[] {
  return tablesIn(file.text.split('\n'))
    .filter(({ head }) => head[0] === firstHead)
    .flatMap(({ rows }) => rows);
}

function tablesIn(lines: readonly string[]): { head: Row; rows: readonly Row[] }[] {
  const tables: { head: Row; rows: Row[] }[] = [];
  for (const [index, line] of lines.entries()) {
    if (!line.startsWith('|')) continue;
    const isRule = /^\|[\s:|-]+\|$/.test(line);
    if (isRule) tables.push({ head: cellsOf(lines[index - 1] ?? ''), rows: [] });
    else if (lines[index - 1]?.startsWith('|')) tables.at(-1)?.rows.push(cellsOf(line));
  }
  return tables;
}

function cellsOf(line: string): Row {
  return line
    .slice(1, line.lastIndexOf('|'))
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** Text between the first pair of backticks. */
export function codeIn(cell: string): string {
  return /`([^`]+)`/.exec(cell)?.[1] ?? cell;
}

/** The texts between all pairs of backticks. */
export function codesIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

/** Lines of the fenced blocks of a language. */
export function blocksOf(file: SourceFile, language: string): readonly string[] {
  return [...file.text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, body = '']) => body,
  );
}
