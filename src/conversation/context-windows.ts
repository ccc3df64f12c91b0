import type { SessionRef } from './session.ts';

const MOST_SESSIONS = 10_000;

/**
 * How much history a model was found to take, by session: its tokens may be shorter than ours, and its window smaller than
 * the setting. Only a saving: without it the next turn is refused once more, and shortened again.
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
