import { type BarGroup, type Bench, type SectionResult, withStops } from '../bench.ts';
import type { GoalName, Reached } from '../goals.ts';
import { beside, type Cell, type Measured, measureCells, warmUp } from '../rounds.ts';
import { median, quantile, type Spread, shown, shownSpread, spreadOf } from '../statistics.ts';
import { PASSTHROUGH, SERVER, startTargets } from '../target.ts';
import type { TurnKind } from '../turn.ts';

const TITLES: Readonly<Record<TurnKind, string>> = { json: 'JSON', sse: 'SSE' };

/** Pieces of an answer: a stream is to be more of a stream. */
const DELTAS: Readonly<Record<TurnKind, number>> = { json: 10, sse: 20 };

/** Turns per second and their duration, all targets in the same rounds. */
export async function throughput(bench: Bench, kind: TurnKind): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({ deltas: bench.options.deltas ?? DELTAS[kind] });
    const targets = await startTargets(bench, atEnd);
    await warmUp(bench, targets, kind);
    const cells = await measureCells(bench, targets, kind);
    await bench.model.follow({});
    return resultOf(kind, cells);
  });
}

function resultOf(kind: TurnKind, cells: readonly Cell[]): SectionResult {
  const title = TITLES[kind];
  return {
    tables: [
      {
        title: `${title}: throughput and latency`,
        head: THROUGHPUT_HEAD,
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
              shownSpread(rateBeside(measured, one.name, PASSTHROUGH)),
            ]),
        ),
      },
    ],
    bars: cells.map(({ clients, measured }) => barsOf(`${title}, ${clients} at once`, measured)),
    data: cells.map(dataOf),
    reached: reachedBy(kind, cells),
  };
}

export const THROUGHPUT_HEAD = [
  ...['', 'turns/s', 'p50 ms', 'p95 ms', 'p99 ms', 'CPU µs/turn', 'Redis CPU µs', 'load busy', 'failed'],
];

function reachedBy(kind: TurnKind, cells: readonly Cell[]): Reached {
  const counted = cells.filter(({ clients }) => [1, 16, 64].includes(clients));
  const ratios = counted.map(({ clients, measured }) => [
    `${kind}.${clients}` as GoalName,
    rateBeside(measured, SERVER, PASSTHROUGH),
  ]);
  const server = cells
    .find(({ clients }) => clients === 16)
    ?.measured.find(({ name }) => name === SERVER)?.rounds;
  const redisUs = server?.map((round) => round.cpuUsPerTurn.redis ?? Number.NaN);
  return {
    ...Object.fromEntries(ratios),
    ...(kind === 'json' && redisUs !== undefined ? { 'redis.cpu': spreadOf(redisUs) } : {}),
  };
}

/** Turns/s of one target relative to another's, each round by itself. */
export function rateBeside(measured: readonly Measured[], name: string, base: string): Spread {
  return beside(measured, name, base, (own, other) => own.turnsPerSecond / other.turnsPerSecond);
}

export function barsOf(title: string, measured: readonly Measured[]): BarGroup {
  return {
    title,
    bars: measured.map(({ name, rounds }) => ({
      name,
      value: spreadOf(rounds.map((round) => round.turnsPerSecond)),
    })),
  };
}

/** The cells of a row below `THROUGHPUT_HEAD`, after its name. */
export function numbersOf({ rounds }: Measured): string[] {
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

export function dataOf({ clients, measured }: Cell) {
  return {
    clients,
    targets: measured.map(({ name, rounds }) => ({
      name,
      rounds: rounds.map(({ ms, firstMs, ...round }) => ({
        ...round,
        ms: { p50: quantile(ms, 0.5), p95: quantile(ms, 0.95), p99: quantile(ms, 0.99) },
        firstMs: { p50: quantile(firstMs, 0.5), p95: quantile(firstMs, 0.95) },
      })),
    })),
  };
}
