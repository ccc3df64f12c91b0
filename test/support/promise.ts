import { type TestContext, test } from 'vitest';

/** A promise of the product, kept by a test. */
export interface PromiseEntry {
  /** The title of its test, in the present tense. */
  readonly says: string;
  /** The code change that turns the test red, seen when the test was written. */
  readonly breaks: string;
  /** Where it comes from: a page, or a page and its heading. */
  readonly from: string;
}

export type Ledger = Readonly<Record<string, PromiseEntry>>;

type Body = (context: TestContext) => void | Promise<void>;

/**
 * A test that keeps one promise of the ledger.
 *
 * @param sentence   as in the ledger, word for word, so that the reader of a test need not look it up
 * @throws           at load when the ledger does not have the id, or has another sentence
 */
type Keep<L extends Ledger> = (
  id: keyof L & string,
  sentence: string,
  body: Body,
  timeoutMs?: number,
) => void;

/** The functions with which the tests of a folder keep the promises of its ledger. */
export function keeperOf<const L extends Ledger>(
  ledger: L,
): {
  readonly promise: Keep<L>;
  /** For a test that kills or pauses replicas: skipped in the layer that runs them in its own process. */
  readonly processPromise: Keep<L>;
} {
  const promise: Keep<L> = (id, sentence, body, timeoutMs) => {
    const entry = Object.hasOwn(ledger, id) ? ledger[id] : undefined;
    if (entry === undefined) throw new Error(`promise ${id} is not in the ledger of its folder`);
    if (entry.says !== sentence) {
      throw new Error(
        `promise ${id} differs from its ledger:\n  test:   ${sentence}\n  ledger: ${entry.says}`,
      );
    }
    test(`${id}: ${sentence}`, body, timeoutMs);
  };
  const isInProcess = process.env.TEST_REPLICAS === 'in-process';
  return { promise, processPromise: isInProcess ? () => {} : promise };
}
