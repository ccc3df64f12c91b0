import type { WorldSpec } from './rig/world.ts';
import type { Trial } from './trial.ts';

/** One row: a fault, and what must hold under it besides the ten invariants. */
export interface Row {
  readonly id: string;
  readonly fault: string;
  /** What must hold besides I1 to I10. */
  readonly holds: string;
  /** A remark on how the row is played, or null. */
  readonly played: string | null;
  readonly world: WorldSpec;
  /** Each trial needs a new world: the fault cannot be undone. */
  readonly isFresh?: true;
  /** Loads the machine: in the long run it runs alone, or it would measure the other lanes. */
  readonly isHeavy?: true;
  /** Trials of the short run; 0: too slow for it. */
  readonly quick: number;
  /** Trials of the long run. */
  readonly long: number;
  run(trial: Trial): Promise<void>;
}
