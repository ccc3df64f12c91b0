import type { Bench } from './bench.ts';
import { type Driven, drive } from './drive.ts';
import type { Target } from './target.ts';
import type { TurnKind } from './turn.ts';

/** The results of one target, one window per round. */
export interface Measured {
  readonly name: string;
  readonly rounds: readonly Driven[];
}

/**
 * Measures all targets in turn, A B C, then C B A, and so on: other load on the machine then affects all of
 * them, and a ratio is only taken between windows of the same round.
 */
async function measureInTurn(
  bench: Bench,
  targets: readonly Target[],
  kind: TurnKind,
  clients: number,
): Promise<readonly Measured[]> {
  const { rounds, seconds } = bench.options;
  const found = new Map(targets.map((target): [string, Driven[]] => [target.name, []]));
  for (let round = 0; round < rounds; round += 1) {
    bench.tell(`${kind}, ${clients} at once, round ${round + 1} of ${rounds}`);
    for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
      const driven = await window(target, kind, clients, Math.max(0.15, seconds / 4), seconds);
      found.get(target.name)?.push(driven);
    }
  }
  return [...found].map(([name, driven]) => ({ name, rounds: driven }));
}

/** The results of all targets at one number of clients. */
export interface Cell {
  readonly clients: number;
  readonly measured: readonly Measured[];
}

/** Measures all targets in turn, once for each requested number of clients. */
export async function measureCells(
  bench: Bench,
  targets: readonly Target[],
  kind: TurnKind,
): Promise<readonly Cell[]> {
  const cells: Cell[] = [];
  for (const clients of bench.options.clients) {
    cells.push({ clients, measured: await measureInTurn(bench, targets, kind, clients) });
  }
  return cells;
}

/**
 * Compiles code, opens connections and fills caches before anything counts. By turns, not by
 * time: on a busy machine a second is only a few hundred turns, which still run in the interpreter.
 */
export async function warmUp(bench: Bench, targets: readonly Target[], kind: TurnKind): Promise<void> {
  const { clients, isQuick } = bench.options;
  for (const target of targets) {
    bench.tell(`${kind}, warming up the ${target.name}`);
    const untilMs = performance.now() + (isQuick ? 4000 : 20_000);
    for (let turns = 0; turns < (isQuick ? 1000 : 10_000) && performance.now() < untilMs; ) {
      turns += (await window(target, kind, Math.max(...clients), 0, 0.25)).turns;
    }
  }
}

function window(
  target: Target,
  kind: TurnKind,
  clients: number,
  warmUpSeconds: number,
  seconds: number,
): Promise<Driven> {
  return drive({
    clients,
    warmUpMs: warmUpSeconds * 1000,
    measureMs: seconds * 1000,
    turn: (conversationId, message) => target.turn(kind, conversationId, message),
    cpu: () => target.cpu(),
  });
}
