import type { Message } from '../../conversation/session.ts';

/** Whether the messages of every turn are adjacent, its input (the user's, or results of tools) first. */
export class MessageOrder {
  readonly #ended = new Set<string>();
  #turnId = '';
  #hasAnswer = false;
  #disorder: string | null = null;

  /** What is wrong; null when nothing is. */
  get disorder(): string | null {
    return this.#disorder;
  }

  add({ id, turnId, role }: Message): void {
    if (turnId !== this.#turnId) {
      this.#ended.add(this.#turnId);
      this.#turnId = turnId;
      this.#hasAnswer = false;
      if (this.#ended.has(turnId)) this.#found(`${id} is apart from its turn`);
      else if (role === 'assistant') this.#found(`${id} begins a turn and is the model's`);
    } else if (role === 'user' && this.#hasAnswer) {
      this.#found(`${id} is the user's and comes after the answer`);
    }
    if (role === 'assistant') this.#hasAnswer = true;
  }

  #found(disorder: string): void {
    this.#disorder ??= disorder;
  }
}
