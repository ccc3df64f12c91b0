import type { Bell } from './bell.ts';
import { type EventId, isAfter, type PlacedEvent } from './events.ts';

/**
 * `open`: more may come. `ended`: the terminal event is in it. `moved`: the turn goes on elsewhere, the log in
 * Redis tells. `draining`: as moved, but this replica is about to leave.
 */
export type FeedState = 'open' | 'ended' | 'moved' | 'draining';

/**
 * The events of a turn that this replica runs, for those who read here. One list for all readers, each with
 * its own place in it: a reader that stalls holds nothing but its socket. Bounded by the longest answer.
 */
export class TurnFeed {
  readonly #events: PlacedEvent[] = [];
  readonly #bells = new Set<Bell>();
  #state: FeedState = 'open';

  get state(): FeedState {
    return this.#state;
  }

  get readerCount(): number {
    return this.#bells.size;
  }

  push(placed: PlacedEvent): void {
    this.#events.push(placed);
    this.#ring();
  }

  /** The first word counts: an ended feed does not move. */
  close(state: Exclude<FeedState, 'open'>): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#ring();
  }

  /** What comes after a place, and how long the list is now: where the next call goes on. */
  since(index: number, after: EventId): { events: readonly PlacedEvent[]; index: number } {
    const events = this.#events.slice(index).filter((placed) => isAfter(placed.id, after));
    return { events, index: this.#events.length };
  }

  /** @returns stops it */
  subscribe(bell: Bell): () => void {
    this.#bells.add(bell);
    return () => this.#bells.delete(bell);
  }

  #ring(): void {
    for (const bell of this.#bells) bell.ring();
  }
}
