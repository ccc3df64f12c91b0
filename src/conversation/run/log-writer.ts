import { countTogether, type EventId, type PlacedEvent, type TurnEvent } from '../events.ts';
import type { LiveTurn } from '../live/live-turn.ts';
import type { Uses } from '../ports/core.ts';

/** A batch is sent when it is this old or this long, whichever comes first. */
const FLUSH_AFTER_MS = 20;
const FLUSH_AT_EVENTS = 32;

/** Most that is sent together: a backlog is sent in pieces. */
const BATCH = { events: Number.POSITIVE_INFINITY, characters: 65_536 };

/** A batch that failed, or for which there was no room, is retried this much later. */
const RETRY_AFTER_MS = 250;

interface PendingEvent extends PlacedEvent {
  /** Characters of text in the attempt, up to the end of this event. */
  readonly saidLength: number;
}

/**
 * Writes the events of a running turn to its log, in batches, in the background. It never holds up the answer and never
 * loses it: what could not be written is sent with the commit.
 */
export class LogWriter {
  readonly #ports: Uses<'store' | 'observer'>;
  readonly #turn: LiveTurn;
  readonly #fence: string;
  #pending: PendingEvent[] = [];
  #timer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> | null = null;
  #isRefused = false;
  #isClosed = false;

  constructor(ports: Uses<'store' | 'observer'>, turn: LiveTurn, fence: string) {
    this.#ports = ports;
    this.#turn = turn;
    this.#fence = fence;
  }

  add(id: EventId, event: TurnEvent, saidLength: number): void {
    this.#pending.push({ id, event, saidLength });
    if (this.#pending.length >= FLUSH_AT_EVENTS && !this.#isRefused) this.#flush();
    else this.#plan(FLUSH_AFTER_MS);
  }

  /** Stops writing. @returns what the log may not have, in order */
  async close(): Promise<readonly TurnEvent[]> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#flushing;
    return this.#pending.map(({ event }) => event);
  }

  #plan(delayMs: number): void {
    if (this.#isClosed || this.#timer !== null || this.#flushing !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, delayMs);
  }

  #flush(): void {
    if (this.#isClosed || this.#flushing !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#flushing = this.#write().then((isWritten) => {
      this.#flushing = null;
      this.#isRefused = !isWritten;
      if (this.#pending.length > 0) this.#plan(isWritten ? FLUSH_AFTER_MS : RETRY_AFTER_MS);
    });
  }

  async #write(): Promise<boolean> {
    const count = countTogether(this.#pending, 0, this.#pending.length, BATCH);
    const batch = this.#pending.slice(0, count);
    const last = batch.at(-1);
    if (last === undefined) return true;
    this.#pending = this.#pending.slice(batch.length);
    const events = batch.map(({ event }) => event);
    try {
      const reply = await this.#ports.store.append(
        this.#turn.ref,
        this.#fence,
        last.id,
        events,
        last.saidLength,
      );
      if (reply === 'ok') this.#turn.feed.markLogged(last.id);
      if (reply === 'fenced') this.#turn.lose('fenced');
      if (reply !== 'no-room') return true;
    } catch (error) {
      // Perhaps written, perhaps not: sent again with the events since; readers skip what they have.
      this.#ports.observer.failed('log_write', error, this.#turn.ref);
    }
    this.#pending = [...batch, ...this.#pending];
    return false;
  }
}
