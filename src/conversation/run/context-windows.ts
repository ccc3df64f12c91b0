import type { SessionRef } from '../session.ts';

const MOST_SESSIONS = 10_000;

/**
 * How much history a model was found to accept, by session: it may count more tokens than we do, and have a smaller
 * window than the setting. Only an optimisation: without it the next turn is refused and shortened once more.
 */
export class ContextWindows {
  readonly #tokens = new Map<string, number>();

  /** @returns tokens by our count; Infinity when nothing was refused */
  of(session: SessionRef): number {
    return this.#tokens.get(keyOf(session)) ?? Number.POSITIVE_INFINITY;
  }

  learn(session: SessionRef, historyTokens: number): void {
    const key = keyOf(session);
    this.#tokens.delete(key);
    this.#tokens.set(key, historyTokens);
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > MOST_SESSIONS && oldest !== undefined) this.#tokens.delete(oldest);
  }
}

function keyOf({ owner, conversationId }: SessionRef): string {
  return `${owner}/${conversationId}`;
}
