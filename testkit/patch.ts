import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A change of one place in a copy of the built product. */
export interface Patch {
  readonly file: string;
  /** Must occur exactly once, so that a rewritten guard is noticed. */
  readonly find: string;
  readonly replace: string;
}

/** How often the text occurs. */
export function timesFound(product: string, patch: Patch): number {
  return readFileSync(join(product, patch.file), 'utf8').split(patch.find).length - 1;
}

/** @throws when the text is missing, or occurs more than once */
export function applyPatch(product: string, patch: Patch): void {
  const path = join(product, patch.file);
  const text = readFileSync(path, 'utf8');
  const times = timesFound(product, patch);
  if (times !== 1) {
    throw new Error(
      `${patch.file} must contain this exactly once, but contains it ${times} times:\n${patch.find}`,
    );
  }
  writeFileSync(
    path,
    text.replace(patch.find, () => patch.replace),
  );
}
