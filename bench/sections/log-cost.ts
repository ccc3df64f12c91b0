import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { applyPatch, type Patch } from '../../testkit/patch.ts';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { temporaryBuild } from '../build.ts';
import type { Driven } from '../drive.ts';
import { type Measured, measureCells, warmUp } from '../rounds.ts';
import { median, quantile, shown, shownSpread, spreadOf } from '../statistics.ts';
import { SERVER, startServer } from '../target.ts';

const WITHOUT_LOG = 'without its log';

/** A model that speaks for 200 ms, so that the log is written in some ten batches and not at the end alone. */
const PACE = { deltas: 40, betweenMs: 5 };

/** What writes events to the log, taken out. */
export const LOG_PATCHES: readonly Patch[] = [
  {
    file: 'conversation/run/log-writer.js',
    find: 'this.#pending.push({ id, event, saidLength });',
    replace: 'return;',
  },
  {
    file: 'redis/scripts/end-turn.lua',
    find: "redis.pcall('XADD', LOG, values[i], 'e', values[i + 1])",
    replace: '',
  },
];

/** What a turn costs more because every event of it is kept for readers that come again. */
export async function logCost(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const targets = [
      await startServer(bench, SERVER, bench.entry, atEnd),
      await startServer(bench, WITHOUT_LOG, buildWithoutLog(bench.entry), atEnd),
    ];
    const counts = bench.options.clients.filter((clients) => clients <= 16);
    await warmUp(bench, targets, 'sse', Math.max(...counts));
    await bench.model.follow(PACE);
    const cells = await measureCells(bench, targets, 'sse', counts, Math.min(3, bench.options.rounds));
    await bench.model.follow({});
    return {
      tables: [
        {
          title: 'Log: what keeping every event adds to a turn',
          head: ['', 'turn p50 ms', 'p95 ms', 'CPU µs/turn', 'Redis CPU µs'],
          rows: cells.flatMap(({ clients, measured }) =>
            measured.map(({ name, rounds }) => [
              `${name}, ${clients} at once`,
              ...[0.5, 0.95].map((share) =>
                shown(
                  quantile(
                    rounds.flatMap(({ ms }) => ms),
                    share,
                  ),
                ),
              ),
              ...['own', 'redis'].map((of) => shown(median(rounds.map((round) => cpuOf(round, of))))),
            ]),
          ),
          note: `${PACE.deltas} pieces, ${PACE.betweenMs} ms apart. The other build is this one, without what writes events to the log.`,
        },
        {
          title: 'Log: added by it, each round by itself, least – median – most',
          head: ['', 'turn p50 ms', 'CPU µs/turn', 'Redis CPU µs'],
          rows: cells.map(({ clients, measured }) => [
            `${clients} at once`,
            shownSpread(spreadOf(added(measured, (round) => quantile(round.ms, 0.5)))),
            shownSpread(spreadOf(added(measured, (round) => cpuOf(round, 'own')))),
            shownSpread(spreadOf(added(measured, (round) => cpuOf(round, 'redis')))),
          ]),
        },
      ],
      bars: [],
      data: cells.map(({ clients, measured }) => ({
        clients,
        targets: measured.map(({ name, rounds }) => ({
          name,
          p50Ms: rounds.map((round) => quantile(round.ms, 0.5)),
          cpuUs: rounds.map((round) => cpuOf(round, 'own')),
          redisCpuUs: rounds.map((round) => cpuOf(round, 'redis')),
        })),
      })),
    };
  });
}

/** @returns the entry of a copy of a built server that keeps no event */
function buildWithoutLog(entry: string): string {
  const folder = temporaryBuild();
  cpSync(dirname(entry), folder, { recursive: true });
  for (const patch of LOG_PATCHES) applyPatch(folder, patch);
  return join(folder, 'main.js');
}

function cpuOf(round: Driven, of: string): number {
  return round.cpuUsPerTurn[of] ?? Number.NaN;
}

function added([withLog, without]: readonly Measured[], figure: (round: Driven) => number): number[] {
  return (withLog?.rounds ?? []).map((round, index) => {
    const other = without?.rounds[index];
    return figure(round) - (other === undefined ? Number.NaN : figure(other));
  });
}
