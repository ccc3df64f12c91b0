import type { SessionRef } from '../session.ts';

const MOST_ENTRIES = 10_000;

/**
 * How much history a model was found to accept, by session and model: it may count more tokens than we do, and have a smaller
 * window than the setting. Only an optimisation: without it the next turn is refused and shortened once more.
 */
export class ContextWindows {
  readonly #tokens = new Map<string, number>();

  /** @returns tokens by our count; Infinity when nothing was refused */
  of(session: SessionRef, model: string): number {
    return this.#tokens.get(keyOf(session, model)) ?? Number.POSITIVE_INFINITY;
  }

  learn(session: SessionRef, model: string, historyTokens: number): void {
    const key = keyOf(session, model);
    this.#tokens.delete(key);
    this.#tokens.set(key, historyTokens);
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > MOST_ENTRIES && oldest !== undefined) this.#tokens.delete(oldest);
  }
}

function keyOf({ owner, conversationId }: SessionRef, model: string): string {
  return `${owner}/${conversationId}/${model}`;
}
