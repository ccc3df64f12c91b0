import type { Input } from '../../conversation/input.ts';

/** Most chains that one connection keeps: a client goes on from the last one, or from one before it. */
const MOST_CHAINS = 8;

/**
 * What the responses of one connection were asked and answered, for those that are not stored: with the connection it is
 * forgotten. Bounded in number and in characters, the oldest first.
 */
export class LocalChains {
  readonly #mostCharacters: number;
  readonly #chains = new Map<string, { readonly messages: Input; readonly characters: number }>();
  #characters = 0;

  constructor(mostCharacters: number) {
    this.#mostCharacters = mostCharacters;
  }

  /** All that a response followed, and what it said. */
  get(responseId: string): Input | null {
    return this.#chains.get(responseId)?.messages ?? null;
  }

  put(responseId: string, messages: Input): void {
    const characters = JSON.stringify(messages).length;
    this.#chains.set(responseId, { messages, characters });
    this.#characters += characters;
    for (const oldest of this.#chains.keys()) {
      if (this.#chains.size <= MOST_CHAINS && this.#characters <= this.#mostCharacters) return;
      this.forget(oldest);
    }
  }

  forget(responseId: string): void {
    this.#characters -= this.#chains.get(responseId)?.characters ?? 0;
    this.#chains.delete(responseId);
  }
}
