import { countTogether, type EventId, isAfter, type PlacedEvent } from '../events.ts';

/**
 * `open`: more may come. `ended`: it holds the terminal event. `moved`: the turn goes on elsewhere, and the log in
 * Redis has the rest. `draining`: as moved, but this replica is about to shut down.
 */
export type FeedState = 'open' | 'ended' | 'moved' | 'draining';

/** When a reader is shown an event: once emitted, or once the log in Redis has it, so that it is never revoked. */
export type Shows = 'as-said' | 'once-logged';

/** One reader of a turn. */
export interface TurnReader {
  /** Takes events in order. A promise holds back what follows until it settles; a rejection ends the reading. */
  take(events: readonly PlacedEvent[]): void | Promise<void>;
}

/** Most that a reader is given at once, which bounds what it holds while its socket is full. */
const AT_ONCE = { events: 64, characters: 16_384 };

/**
 * The events of a turn on this replica, pushed to its readers here. One list for all readers, each with its own place
 * in it: a stalled reader costs nothing but its socket. Bounded by the longest answer.
 */
export class TurnFeed {
  readonly #events: PlacedEvent[] = [];
  readonly #readings = new Set<Reading>();
  #state: FeedState = 'open';
  #hadReaders = false;
  /** Readers that are about to read here. */
  #expected = 0;
  /** How many of the events the log has. */
  #loggedCount = 0;

  get state(): FeedState {
    return this.#state;
  }

  get readerCount(): number {
    return this.#readings.size + this.#expected;
  }

  /** A reader is here, or has been. */
  get hadReaders(): boolean {
    return this.#hadReaders;
  }

  push(placed: PlacedEvent): void {
    this.#events.push(placed);
    const news: readonly [PlacedEvent] = [placed];
    for (const reading of this.#readings) reading.hear(news);
  }

  /** Counts a reader that is still reading earlier events elsewhere. @returns ends that */
  expectReader(): () => void {
    this.#expected += 1;
    return () => {
      this.#expected -= 1;
    };
  }

  /** The log has all events up to this place. */
  markLogged(last: EventId): void {
    const events = this.#events;
    let placed = events[this.#loggedCount];
    while (placed !== undefined && !isAfter(placed.id, last)) {
      this.#loggedCount += 1;
      placed = events[this.#loggedCount];
    }
    for (const reading of this.#readings) if (reading.shows === 'once-logged') reading.pump();
  }

  /** How many of the events a reader may be shown: all once the turn has ended, since its record has them. */
  visibleCount(shows: Shows): number {
    return shows === 'as-said' || this.#state === 'ended' ? this.#events.length : this.#loggedCount;
  }

  /** Only the first call counts: an ended feed never moves. */
  close(state: Exclude<FeedState, 'open'>): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    for (const reading of this.#readings) reading.pump();
  }

  /**
   * Hands a reader what comes after a place, until the feed closes or the signal fires.
   *
   * @returns the place of the last event that was taken
   * @throws what the reader throws
   */
  async read(after: EventId, shows: Shows, reader: TurnReader, signal: AbortSignal): Promise<EventId> {
    // Also a reader that has left again: whether a turn is still wanted is asked only once it was read.
    this.#hadReaders = true;
    if (signal.aborted) return after;
    const { promise, resolve, reject } = Promise.withResolvers<EventId>();
    const reading = new Reading(this, this.#events, after, shows, reader, { resolve, reject });
    const leave = () => resolve(reading.last);
    this.#readings.add(reading);
    signal.addEventListener('abort', leave);
    try {
      reading.pump();
      return await promise;
    } finally {
      signal.removeEventListener('abort', leave);
      this.#readings.delete(reading);
    }
  }
}

/** One reader's progress through the events of a feed. */
class Reading {
  readonly shows: Shows;
  readonly #feed: TurnFeed;
  readonly #events: readonly PlacedEvent[];
  readonly #reader: TurnReader;
  readonly #end: { resolve(last: EventId): void; reject(error: unknown): void };
  #index: number;
  #last: EventId;
  #isBusy = false;

  constructor(
    feed: TurnFeed,
    events: readonly PlacedEvent[],
    after: EventId,
    shows: Shows,
    reader: TurnReader,
    end: { resolve(last: EventId): void; reject(error: unknown): void },
  ) {
    this.#feed = feed;
    this.#events = events;
    this.shows = shows;
    this.#reader = reader;
    this.#end = end;
    this.#last = after;
    this.#index = firstAfter(events, after);
  }

  get last(): EventId {
    return this.#last;
  }

  /** One more event; most readers lack nothing else, and share the list that holds it. */
  hear(news: readonly [PlacedEvent]): void {
    const isNext = !this.#isBusy && this.shows === 'as-said' && this.#index === this.#events.length - 1;
    if (isNext) {
      this.#index += 1;
      this.#last = news[0].id;
      this.#waitFor(this.#take(news));
    } else this.pump();
  }

  /** Passes on what is new, as long as the reader takes it at once. */
  pump(): void {
    if (this.#isBusy) return;
    for (let until = this.#feed.visibleCount(this.shows); this.#index < until; ) {
      const count = countTogether(this.#events, this.#index, until, AT_ONCE);
      const events = this.#events.slice(this.#index, this.#index + count);
      this.#index += count;
      this.#last = events.at(-1)?.id ?? this.#last;
      if (this.#waitFor(this.#take(events))) return;
    }
    if (this.#feed.state !== 'open') this.#end.resolve(this.#last);
  }

  /** @returns whether the reader holds back what follows */
  #waitFor(taken: void | Promise<void>): boolean {
    if (taken === undefined) return false;
    this.#isBusy = true;
    taken.then(
      () => {
        this.#isBusy = false;
        this.pump();
      },
      (error: unknown) => this.#end.reject(error),
    );
    return true;
  }

  #take(events: readonly PlacedEvent[]): void | Promise<void> {
    try {
      return this.#reader.take(events);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** Binary search: ids rise. */
function firstAfter(events: readonly PlacedEvent[], after: EventId): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const placed = events[middle];
    if (placed !== undefined && isAfter(placed.id, after)) high = middle;
    else low = middle + 1;
  }
  return low;
}
