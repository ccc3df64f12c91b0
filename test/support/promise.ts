import { type TestContext, test } from 'vitest';
import { promises } from '../promises.ts';

/**
 * A test that keeps one promise of the ledger.
 *
 * @param sentence   what the ledger says, word for word: the reader of a test need not look it up
 * @throws           at load when the ledger does not know the id or says something else
 */
export function promise(
  id: string,
  sentence: string,
  body: (context: TestContext) => void | Promise<void>,
  timeoutMs?: number,
): void {
  const ledger: Record<string, { readonly says: string } | undefined> = promises;
  const entry = Object.hasOwn(ledger, id) ? ledger[id] : undefined;
  if (entry === undefined) throw new Error(`promise ${id} is not in test/promises.ts`);
  if (entry.says !== sentence) {
    throw new Error(
      `promise ${id} differs from test/promises.ts:\n  test:   ${sentence}\n  ledger: ${entry.says}`,
    );
  }
  test(`${id}: ${sentence}`, body, timeoutMs);
}
