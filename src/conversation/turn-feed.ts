import type { Bell } from './bell.ts';
import { type EventId, isAfter, type PlacedEvent } from './events.ts';

/**
 * `open`: more may come. `ended`: the terminal event is in it. `moved`: the turn goes on elsewhere, the log in
 * Redis tells. `draining`: as moved, but this replica is about to leave.
 */
export type FeedState = 'open' | 'ended' | 'moved' | 'draining';

const EVENTS_AT_ONCE = 64;

/**
 * The events of a turn that this replica runs, for those who read here. One list for all readers, each with
 * its own place in it: a reader that stalls holds nothing but its socket. Bounded by the longest answer.
 */
export class TurnFeed {
  readonly #events: PlacedEvent[] = [];
  readonly #bells = new Set<Bell>();
  #state: FeedState = 'open';
  #hadReaders = false;

  get state(): FeedState {
    return this.#state;
  }

  get readerCount(): number {
    return this.#bells.size;
  }

  /** Somebody has read here, now or before. */
  get hadReaders(): boolean {
    return this.#hadReaders;
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

  /**
   * Some of what comes after a place, and where in the list to go on. Not all at once: what was given to a
   * reader that stalls is held for it alone.
   */
  since(from: number, after: EventId): { events: readonly PlacedEvent[]; index: number } {
    const events: PlacedEvent[] = [];
    let index = from;
    for (; index < this.#events.length && events.length < EVENTS_AT_ONCE; index += 1) {
      const placed = this.#events[index];
      if (placed !== undefined && isAfter(placed.id, after)) events.push(placed);
    }
    return { events, index };
  }

  /** @returns stops it */
  subscribe(bell: Bell): () => void {
    this.#bells.add(bell);
    this.#hadReaders = true;
    return () => this.#bells.delete(bell);
  }

  #ring(): void {
    for (const bell of this.#bells) bell.ring();
  }
}
