import type { BarGroup } from '../bench.ts';
import { shown } from '../statistics.ts';

const WIDTH = 48;

/** The same picture for a terminal: a bar's length is the median, all groups on one scale. */
export function barsAsText(groups: readonly BarGroup[]): string {
  const bars = groups.flatMap((group) => group.bars);
  const most = Math.max(...bars.map((bar) => bar.value.median));
  const nameWidth = Math.max(...bars.map((bar) => bar.name.length));
  return groups
    .map(({ title, bars: own }) =>
      [
        `${title}, turns/s`,
        ...own.map(({ name, value }) => {
          const bar = '█'.repeat(Math.max(1, Math.round((value.median / most) * WIDTH)));
          return `  ${name.padEnd(nameWidth)} ${bar} ${shown(value.median)}`;
        }),
      ].join('\n'),
    )
    .join('\n');
}
