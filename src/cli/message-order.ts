import type { Message } from '../conversation/session.ts';

/** Whether the messages of every turn are adjacent, those of the user first; fed with a history, oldest first. */
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
      if (this.#ended.has(turnId)) this.#found(`${id} stands apart from its turn`);
      else if (role !== 'user') this.#found(`${id} begins a turn and is not the user's`);
    } else if (role === 'user' && this.#hasAnswer) {
      this.#found(`${id} is the user's and stands behind the answer`);
    }
    if (role !== 'user') this.#hasAnswer = true;
  }

  #found(disorder: string): void {
    this.#disorder ??= disorder;
  }
}
