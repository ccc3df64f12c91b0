import type { WorldSpec } from './rig/world.ts';
import type { Trial } from './trial.ts';

/** One row: a fault, and what must hold under it beside the ten invariants. */
export interface Row {
  readonly id: string;
  readonly fault: string;
  /** What must hold beside I1 to I10. */
  readonly holds: string;
  /** What to know of how the row is played; null: nothing. */
  readonly played: string | null;
  readonly world: WorldSpec;
  /** Each trial in a world of its own: the fault cannot be undone. */
  readonly isFresh?: true;
  /** Loads the machine by itself: in the long run it has it alone, or it would measure what runs beside it. */
  readonly isHeavy?: true;
  /** Trials of the short run; 0: too slow for it. */
  readonly quick: number;
  /** Trials of the long run. */
  readonly long: number;
  run(trial: Trial): Promise<void>;
}
