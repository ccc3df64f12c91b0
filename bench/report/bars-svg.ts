import type { BarGroup } from '../bench.ts';
import { shown } from '../statistics.ts';

const [WIDTH, LEFT, RIGHT] = [720, 130, 90];
const [BAR, GAP, HEAD, FOOT] = [16, 6, 30, 14];

/** Colours that remain distinct in print and for red-blind readers. */
const COLOURS = ['#0072b2', '#e69f00', '#999999', '#009e73'];

const STYLE = `text{font:12px system-ui,sans-serif;fill:#222}.t{font-weight:600}line{stroke:#222}
@media(prefers-color-scheme:dark){text{fill:#ddd}line{stroke:#ddd}}`;

/** Turns per second as bars: the median, with a line from minimum to maximum; all groups on one scale. */
export function barsAsSvg(groups: readonly BarGroup[]): string {
  const most = Math.max(...groups.flatMap((group) => group.bars.map((bar) => bar.value.most)));
  const scale = (WIDTH - LEFT - RIGHT) / most;
  const names = [...new Set(groups.flatMap((group) => group.bars.map((bar) => bar.name)))];
  const parts: string[] = [];
  let y = 0;
  for (const { title, bars } of groups) {
    parts.push(`<text class="t" x="0" y="${y + 20}">${title}, turns/s</text>`);
    y += HEAD;
    for (const { name, value } of bars) {
      const [middle, end] = [y + BAR / 2, LEFT + value.most * scale];
      const colour = COLOURS[names.indexOf(name) % COLOURS.length];
      parts.push(
        `<text x="${LEFT - 8}" y="${middle + 4}" text-anchor="end">${name}</text>`,
        `<rect x="${LEFT}" y="${y}" width="${fixed(value.median * scale)}" height="${BAR}" fill="${colour}"/>`,
        `<line x1="${fixed(LEFT + value.least * scale)}" x2="${fixed(end)}" y1="${middle}" y2="${middle}"/>`,
        `<text x="${fixed(end + 8)}" y="${middle + 4}">${shown(value.median)}</text>`,
      );
      y += BAR + GAP;
    }
    y += FOOT;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="Turns per second">`,
    `<style>${STYLE}</style>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function fixed(value: number): string {
  return value.toFixed(1);
}
