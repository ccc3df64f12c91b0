import { TurnwiseError } from '../../errors.ts';

/** The clients that read a turn on this replica, and how many may. */
export class Readers {
  readonly #max: number;
  readonly #streamsChanged: (count: number) => void;
  #count = 0;
  #streams = 0;

  constructor(max: number, streamsChanged: (count: number) => void) {
    this.#max = max;
    this.#streamsChanged = streamsChanged;
  }

  /**
   * Takes a place, before anything is awaited: many requests at once must not all find the same one free.
   *
   * @returns gives it back
   * @throws overloaded
   */
  enter(): () => void {
    if (this.#count >= this.#max) throw new TurnwiseError('overloaded');
    this.#count += 1;
    return () => {
      this.#count -= 1;
    };
  }

  /** Counts one that reads a stream. @returns ends that */
  stream(): () => void {
    this.#streams += 1;
    this.#streamsChanged(this.#streams);
    return () => {
      this.#streams -= 1;
      this.#streamsChanged(this.#streams);
    };
  }
}
