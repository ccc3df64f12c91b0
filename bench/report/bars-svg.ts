import type { BarGroup } from '../bench.ts';
import { shown } from '../statistics.ts';

const [WIDTH, RIGHT] = [720, 90];

/** A little more than a letter takes as a rule. */
const LETTER = 6.8;
const [BAR, GAP, HEAD, FOOT] = [16, 6, 30, 14];

/** Colours that remain distinct in print and for red-blind readers. */
const COLOURS = ['#0072b2', '#e69f00', '#999999', '#009e73'];

const STYLE = `text{font:12px system-ui,sans-serif;fill:#222}.t{font-weight:600}line{stroke:#222}
@media(prefers-color-scheme:dark){text{fill:#ddd}line{stroke:#ddd}}`;

/** Turns per second as bars: the median, with a line from minimum to maximum; all groups on one scale. */
export function barsAsSvg(groups: readonly BarGroup[]): string {
  const most = Math.max(...groups.flatMap((group) => group.bars.map((bar) => bar.value.most)));
  const names = [...new Set(groups.flatMap((group) => group.bars.map((bar) => bar.name)))];
  const left = Math.ceil(Math.max(...names.map((name) => name.length)) * LETTER) + 16;
  const scale = (WIDTH - left - RIGHT) / most;
  const parts: string[] = [];
  let y = 0;
  for (const { title, bars } of groups) {
    parts.push(`<text class="t" x="0" y="${y + 20}">${title}, turns/s</text>`);
    y += HEAD;
    for (const { name, value } of bars) {
      const [middle, end] = [y + BAR / 2, left + value.most * scale];
      const colour = COLOURS[names.indexOf(name) % COLOURS.length];
      parts.push(
        `<text x="${left - 8}" y="${middle + 4}" text-anchor="end">${name}</text>`,
        `<rect x="${left}" y="${y}" width="${fixed(value.median * scale)}" height="${BAR}" fill="${colour}"/>`,
        `<line x1="${fixed(left + value.least * scale)}" x2="${fixed(end)}" y1="${middle}" y2="${middle}"/>`,
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
