import { type BarGroup, type Bench, type SectionResult, withStops } from '../bench.ts';
import { type Cell, type Measured, measureCells, warmUp } from '../rounds.ts';
import { median, quantile, shown, shownSpread, spreadOf } from '../statistics.ts';
import { PASSTHROUGH, startTargets } from '../target.ts';
import type { TurnKind } from '../turn.ts';

const TITLES: Readonly<Record<TurnKind, string>> = { json: 'JSON', sse: 'SSE' };

/** Turns per second and their duration, all targets in the same rounds. */
export async function throughput(bench: Bench, kind: TurnKind): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const targets = await startTargets(bench, atEnd);
    await warmUp(bench, targets, kind);
    return resultOf(kind, await measureCells(bench, targets, kind));
  });
}

function resultOf(kind: TurnKind, cells: readonly Cell[]): SectionResult {
  const title = TITLES[kind];
  return {
    tables: [
      {
        title: `${title}: throughput and latency`,
        head: [
          '',
          'turns/s',
          'p50 ms',
          'p95 ms',
          'p99 ms',
          'CPU µs/turn',
          'Redis CPU µs',
          'load busy',
          'failed',
        ],
        rows: cells.flatMap(({ clients, measured }) =>
          measured.map((one) => [`${one.name}, ${clients} at once`, ...numbersOf(one)]),
        ),
        note: 'turns/s and CPU: the median round. Times: all rounds together. Load busy: the share of one core that the load used.',
      },
      {
        title: `${title}: turns/s relative to the passthrough, per round`,
        head: ['', 'least – median – most'],
        rows: cells.flatMap(({ clients, measured }) =>
          measured
            .filter(({ name }) => name !== PASSTHROUGH)
            .map((one) => [
              `${one.name}, ${clients} at once`,
              shownSpread(spreadOf(ratiosOf(one, measured))),
            ]),
        ),
      },
    ],
    bars: cells.map(({ clients, measured }): BarGroup => barsOf(`${title}, ${clients} at once`, measured)),
    data: cells.map(({ clients, measured }) => ({ clients, targets: measured.map(dataOf) })),
  };
}

function barsOf(title: string, measured: readonly Measured[]): BarGroup {
  return {
    title,
    bars: measured.map(({ name, rounds }) => ({
      name,
      value: spreadOf(rounds.map((round) => round.turnsPerSecond)),
    })),
  };
}

function ratiosOf(one: Measured, all: readonly Measured[]): number[] {
  const base = all.find(({ name }) => name === PASSTHROUGH);
  return one.rounds.map(
    (round, index) => round.turnsPerSecond / (base?.rounds[index]?.turnsPerSecond ?? Number.NaN),
  );
}

function numbersOf({ rounds }: Measured): string[] {
  const ms = rounds.flatMap((round) => round.ms);
  const cpu = (name: string) => median(rounds.map((round) => round.cpuUsPerTurn[name] ?? Number.NaN));
  return [
    shown(median(rounds.map((round) => round.turnsPerSecond))),
    ...[0.5, 0.95, 0.99].map((share) => shown(quantile(ms, share))),
    shown(cpu('own')),
    shown(cpu('redis')),
    `${Math.round(median(rounds.map((round) => round.driverBusy)) * 100)}%`,
    String(rounds.reduce((sum, round) => sum + round.failed, 0)),
  ];
}

function dataOf({ name, rounds }: Measured) {
  return {
    name,
    rounds: rounds.map(({ ms, firstMs, ...round }) => ({
      ...round,
      ms: { p50: quantile(ms, 0.5), p95: quantile(ms, 0.95), p99: quantile(ms, 0.99) },
      firstMs: { p50: quantile(firstMs, 0.5), p95: quantile(firstMs, 0.95) },
    })),
  };
}
