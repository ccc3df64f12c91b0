import type { Bench } from './bench.ts';
import { type Driven, drive } from './drive.ts';
import { type Spread, spreadOf } from './statistics.ts';
import type { Target } from './target.ts';
import type { TurnKind } from './turn.ts';

/** The results of one target, one window per round. */
export interface Measured<T = Driven> {
  readonly name: string;
  readonly rounds: readonly T[];
}

/**
 * Measures all targets in turn, A B C, then C B A, and so on: other load on the machine then affects all of
 * them, and a ratio is only taken between windows of the same round.
 */
export async function inTurn<T, Of extends { readonly name: string }>(
  bench: Bench,
  plan: { readonly what: string; readonly rounds: number; readonly targets: readonly Of[] },
  measure: (target: Of, round: number) => Promise<T>,
): Promise<readonly Measured<T>[]> {
  const found = new Map(plan.targets.map((target): [string, T[]] => [target.name, []]));
  for (let round = 0; round < plan.rounds; round += 1) {
    bench.tell(`${plan.what}, round ${round + 1} of ${plan.rounds}`);
    for (const target of round % 2 === 0 ? plan.targets : plan.targets.toReversed()) {
      found.get(target.name)?.push(await measure(target, round));
    }
  }
  return [...found].map(([name, rounds]) => ({ name, rounds }));
}

/** A figure of one target beside another's, each round by itself. */
export function beside<T>(
  all: readonly Measured<T>[],
  name: string,
  base: string,
  figure: (own: T, other: T) => number,
): Spread {
  const of = (wanted: string) => all.find((one) => one.name === wanted)?.rounds ?? [];
  const others = of(base);
  return spreadOf(
    of(name).flatMap((own, round) => {
      const other = others[round];
      return other === undefined ? [] : [figure(own, other)];
    }),
  );
}

/** The results of all targets at one number of clients. */
export interface Cell {
  readonly clients: number;
  readonly measured: readonly Measured[];
}

/** Measures all targets in turn, once for each number of clients. */
export async function measureCells(
  bench: Bench,
  targets: readonly Target[],
  kind: TurnKind,
  counts: readonly number[] = bench.options.clients,
  rounds: number = bench.options.rounds,
): Promise<readonly Cell[]> {
  const { seconds } = bench.options;
  const cells: Cell[] = [];
  for (const clients of counts) {
    const plan = { what: `${kind}, ${clients} at once`, rounds, targets };
    const measured = await inTurn(bench, plan, (target) =>
      window(bench, target, kind, clients, Math.max(0.15, seconds / 4), seconds),
    );
    cells.push({ clients, measured });
  }
  return cells;
}

/**
 * Compiles code, opens connections and fills caches before anything counts. By turns, not by
 * time: on a busy machine a second is only a few hundred turns, which still run in the interpreter.
 */
export async function warmUp(
  bench: Bench,
  targets: readonly Target[],
  kind: TurnKind,
  clients: number = Math.max(...bench.options.clients),
): Promise<void> {
  const { isQuick } = bench.options;
  for (const target of targets) {
    bench.tell(`${kind}, warming up the ${target.name}`);
    const untilMs = performance.now() + (isQuick ? 2000 : 12_000);
    for (let turns = 0; turns < (isQuick ? 1000 : 10_000) && performance.now() < untilMs; ) {
      turns += (await window(bench, target, kind, clients, 0, 0.25)).turns;
    }
  }
}

async function window(
  bench: Bench,
  target: Target,
  kind: TurnKind,
  clients: number,
  warmUpSeconds: number,
  seconds: number,
): Promise<Driven> {
  const driven = await drive({
    clients,
    warmUpMs: warmUpSeconds * 1000,
    measureMs: seconds * 1000,
    turn: (conversationId, message) => target.turn(kind, conversationId, message),
    cpu: () => target.cpu(),
  });
  if (driven.firstFailure !== null)
    bench.tell(`${target.name}: ${driven.failed} turns failed, the first with ${driven.firstFailure}`);
  return driven;
}
