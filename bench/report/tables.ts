import type { Table } from '../bench.ts';

/** Columns side by side for a terminal. */
export function asText(table: Table): string {
  const lines = [table.head, ...table.rows];
  const widths = table.head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [table.title, ...text, ...(table.note === undefined ? [] : [table.note])].join('\n');
}

export function asMarkdown(table: Table): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    `**${table.title}**`,
    '',
    row(table.head),
    row(table.head.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...table.rows.map(row),
    ...(table.note === undefined ? [] : ['', table.note]),
  ].join('\n');
}
