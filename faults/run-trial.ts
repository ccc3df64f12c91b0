import { call } from '../testkit/http/http.ts';
import { waitFor } from '../testkit/wait-for.ts';
import { check } from './checker/check.ts';
import type { Story, Violation } from './checker/story.ts';
import { tellStory } from './checker/tell.ts';
import { watchStandstill } from './rig/standstill.ts';
import type { World } from './rig/world.ts';
import type { Row } from './row.ts';
import { type Figure, type Sample, Trial } from './trial.ts';

export interface TrialResult {
  readonly row: string;
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly figures: readonly Figure[];
  readonly samples: readonly Sample[];
  /** Things done, by name: kills, lost replies and so on. */
  readonly counts: Readonly<Record<string, number>>;
  readonly story: Story | null;
  /** The whole story as text; empty when nothing was violated. */
  readonly telling: string;
  readonly tookMs: number;
  /** Longest stall of the rig itself. */
  readonly standstillMs: number;
}

/** Runs one trial and checks the observations against all invariants; never throws. */
export async function runTrial(row: Row, world: World, seed: number, isQuick: boolean): Promise<TrialResult> {
  const begun = performance.now();
  let standstill = () => 0;
  const trial = new Trial(world, seed, isQuick);
  const result = (violations: readonly Violation[], story: Story | null, telling: string): TrialResult => ({
    row: row.id,
    seed,
    violations,
    figures: trial.figures,
    samples: trial.samples,
    counts: trial.counts,
    story,
    telling,
    tookMs: performance.now() - begun,
    standstillMs: standstill(),
  });
  try {
    // The check of the previous trial blocked this program, and replicas may have lost Redis meanwhile.
    await untilReady(world);
    standstill = watchStandstill();
    await row.run(trial);
    const story = await trial.rest();
    // The check that follows also blocks this program, after the trial has ended.
    standstill();
    const violations = [...trial.found, ...check(story)];
    const telling = violations.length === 0 ? '' : tellStory(story, violations, trial.notes);
    return result(violations, story, telling);
  } catch (error) {
    const what = `the trial broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    const violation: Violation = { invariant: 'figure', session: '', what };
    const notes = trial.notes.map(({ at, text }) => `${at.toFixed(0).padStart(8)} ms  ${text}`);
    return result([...trial.found, violation], null, [what, ...notes].join('\n'));
  } finally {
    for (const work of trial.lastWork) await work();
  }
}

async function untilReady({ slots }: World): Promise<void> {
  for (const slot of slots) {
    const isReady = async () => (await call(slot.url, 'GET', '/readyz')).status === 200;
    await waitFor(isReady, { timeoutMs: 15_000, what: `${slot.name} to be ready` });
  }
}
