import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { applyPatch } from '../../testkit/patch.ts';
import { rowById } from '../catalogue.ts';
import { INVARIANTS } from '../checker/check.ts';
import type { Violation } from '../checker/story.ts';
import { type GuardResult, writeGuards } from '../report/guards.ts';
import { buildProduct, copyProduct, removeProduct } from '../rig/product.ts';
import { startWorld, type World } from '../rig/world.ts';
import type { RunOptions } from '../run-rows.ts';
import { runTrial } from '../run-trial.ts';
import { GUARDS, type Guard } from './guards.ts';

const MOST_TRIALS = 12;

/** Takes each guard out in turn and looks for red. @returns the exit code */
export async function runGuards(options: RunOptions): Promise<number> {
  const product = await buildProduct();
  const results: GuardResult[] = [];
  try {
    const guards = GUARDS.filter(
      ({ rows }) => options.rows.length === 0 || rows.some((row) => options.rows.includes(row)),
    );
    for (const guard of guards) {
      const result = await withoutGuard(guard, product, options.seed ?? 1, options.trials ?? MOST_TRIALS);
      results.push(result);
      const red = Object.entries(result.red).map(([invariant, what]) => `\n    ${invariant}: ${what}`);
      const seen = isSeen(guard, result) ? '' : `${guard.breaks} NOT SEEN`;
      console.log(`without ${guard.name} (${result.row}, ${result.trials} trials): ${seen}${red.join('')}`);
    }
  } finally {
    removeProduct(product);
  }
  const isWhole = options.rows.length === 0;
  const unseen = Object.keys(INVARIANTS).filter(
    (id) => isWhole && !results.some((result) => id in result.red),
  );
  const silent = GUARDS.filter((guard) =>
    results.some((result) => result.name === guard.name && !isSeen(guard, result)),
  );
  if (unseen.length > 0) console.log(`never seen red: ${unseen.join(' ')}`);
  if (isWhole) writeGuards(results);
  console.log(`\n${results.length - silent.length} passed, ${silent.length + unseen.length} failed`);
  return silent.length + unseen.length === 0 ? 0 : 1;
}

function isSeen({ breaks }: Guard, { red }: Pick<GuardResult, 'red'>): boolean {
  return breaks in red;
}

async function withoutGuard(guard: Guard, product: string, seed: number, most: number): Promise<GuardResult> {
  const copy = copyProduct(product, guard.name);
  const red: Partial<Record<Violation['invariant'], string>> = {};
  let [trials, row] = [0, ''];
  try {
    for (const patch of guard.patches) applyPatch(copy, patch);
    for (const id of guard.rows) {
      row = id;
      let world: World | null = null;
      for (let at = 0; at < most && !isSeen(guard, { red }); at += 1) {
        world ??= await startWorld(rowById(id).world, join(copy, 'main.js'));
        const { violations, telling, story } = await runTrial(rowById(id), world, seed + at, true);
        trials += 1;
        // A trial that broke off says something of the rig, not of the guard.
        if (story === null) console.log(`without ${guard.name} (${id}, seed ${seed + at}): ${telling}`);
        else for (const { invariant, session, what } of violations) red[invariant] ??= `${session}: ${what}`;
        if (process.env.FAULTS_TELL && telling) console.log(telling);
      }
      await world?.close();
      if (isSeen(guard, { red })) break;
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  return { name: guard.name, without: guard.without, row, seed, trials, red };
}
