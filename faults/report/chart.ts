import type { Sample } from '../trial.ts';

const [WIDTH, HEIGHT, LEFT, TOP, PLOT] = [720, 380, 70, 30, 130];

/** Memory and open files of a replica over a soak, one above the other, as an SVG. */
export function soakChart(samples: readonly Sample[]): string {
  const begun = samples[0]?.at ?? 0;
  const minutes = samples.map(({ at }) => (at - begun) / 60_000);
  const memory = plot(
    'resident memory, MB',
    minutes,
    samples.map(({ rssBytes }) => rssBytes / 1e6),
    TOP,
  );
  const files = plot(
    'open files',
    minutes,
    samples.map(({ openFiles }) => openFiles),
    TOP + PLOT + 50,
  );
  const last = (minutes.at(-1) ?? 0).toFixed(0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="Memory and open files of a replica over the soak" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="white"/>',
    memory,
    files,
    `<text x="${LEFT}" y="${HEIGHT - 12}">0</text>`,
    `<text x="${WIDTH - 20}" y="${HEIGHT - 12}" text-anchor="end">${last} minutes</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function plot(title: string, xs: readonly number[], ys: readonly number[], top: number): string {
  const [most, longest] = [Math.max(1, ...ys) * 1.1, Math.max(0.001, ...xs)];
  const points = xs.map((x, index) => {
    const left = LEFT + (x / longest) * (WIDTH - LEFT - 20);
    return `${left.toFixed(1)},${(top + PLOT - ((ys[index] ?? 0) / most) * PLOT).toFixed(1)}`;
  });
  return [
    `<text x="${LEFT}" y="${top - 8}" font-weight="bold">${title}</text>`,
    `<text x="${LEFT - 8}" y="${top + 10}" text-anchor="end">${most.toFixed(0)}</text>`,
    `<text x="${LEFT - 8}" y="${top + PLOT}" text-anchor="end">0</text>`,
    `<path d="M${LEFT} ${top}V${top + PLOT}H${WIDTH - 20}" fill="none" stroke="#888"/>`,
    `<polyline points="${points.join(' ')}" fill="none" stroke="#2563eb" stroke-width="1.5"/>`,
  ].join('\n');
}
