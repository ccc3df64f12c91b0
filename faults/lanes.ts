import { STANDSTILL_MS } from './rig/standstill.ts';
import { startWorld, type World } from './rig/world.ts';
import type { Row } from './row.ts';
import { runTrial, type TrialResult } from './run-trial.ts';

/** Trials of a row: trial k has seed + k, so that each can be replayed alone. */
export interface Batch {
  readonly row: Row;
  readonly firstSeed: number;
  readonly trials: number;
}

/** A rig that stalls more often has a fault of its own, which must not be hidden. */
const MOST_VOIDS = 5;

/**
 * Runs batches side by side, each lane with its own world, which is kept while the next batch
 * can use it. A world with a failed trial is discarded, so that no failure is inherited.
 */
export async function runInLanes(
  batches: readonly Batch[],
  lanes: number,
  entry: string,
  isQuick: boolean,
  ended: (result: TrialResult, isVoid: boolean) => void,
): Promise<void> {
  const left = [...batches];
  const next = (current: string): Batch | undefined => {
    const same = left.findIndex((batch) => JSON.stringify(batch.row.world) === current);
    return left.splice(Math.max(0, same), 1)[0];
  };
  const lane = async () => {
    let world: World | null = null;
    let spec = '';
    for (let batch = next(spec); batch !== undefined; batch = next(spec)) {
      let voids = 0;
      for (let at = 0; at < batch.trials; ) {
        const wanted = JSON.stringify(batch.row.world);
        if (world !== null && wanted !== spec) {
          await world.close();
          world = null;
        }
        world ??= await startWorld(batch.row.world, entry);
        spec = wanted;
        const result = await runTrial(batch.row, world, (batch.firstSeed + at) >>> 0, isQuick);
        // A trial during a stall of the rig proves nothing about the product, good or bad: repeat it.
        const isVoid = result.standstillMs > STANDSTILL_MS && voids < MOST_VOIDS;
        if (result.violations.length > 0 || batch.row.isFresh || isVoid) {
          await world.close();
          world = null;
        }
        ended(result, isVoid);
        if (isVoid) voids += 1;
        else at += 1;
      }
    }
    await world?.close();
  };
  await Promise.all(Array.from({ length: Math.min(lanes, batches.length) }, lane));
}
