import type { TurnDeps } from './deps.ts';
import type { EventId, TurnEvent } from './events.ts';
import type { LiveTurn } from './live-turn.ts';

/** A batch goes out when it is this old or this long, whichever is first. */
const FLUSH_AFTER_MS = 20;
const FLUSH_AT_EVENTS = 32;

/** A log that was refused is tried again this much later, one for which there was no room sooner. */
const RETRY_AFTER_MS = 250;
const NO_ROOM_MS = 50;

/**
 * Brings the events of a running turn into its log, in batches, in the background. It never holds up the
 * answer and never loses it: what could not be written goes along with the commit.
 */
export class LogWriter {
  readonly #deps: TurnDeps;
  readonly #turn: LiveTurn;
  readonly #fence: string;
  #pending: TurnEvent[] = [];
  #lastId: EventId | null = null;
  #timer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> | null = null;
  #isOver = false;

  constructor(deps: TurnDeps, turn: LiveTurn, fence: string) {
    this.#deps = deps;
    this.#turn = turn;
    this.#fence = fence;
  }

  add(id: EventId, event: TurnEvent): void {
    this.#pending.push(event);
    this.#lastId = id;
    if (this.#pending.length >= FLUSH_AT_EVENTS) this.#flush();
    else this.#plan(FLUSH_AFTER_MS);
  }

  /** Stops writing. @returns what the log does not have for sure, in order */
  async close(): Promise<readonly TurnEvent[]> {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#flushing;
    return this.#pending;
  }

  #plan(delayMs: number): void {
    if (this.#isOver || this.#timer !== null || this.#flushing !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, delayMs);
  }

  #flush(): void {
    if (this.#isOver || this.#flushing !== null) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#flushing = this.#write().then((nextDelayMs) => {
      this.#flushing = null;
      if (this.#pending.length > 0) this.#plan(nextDelayMs);
    });
  }

  async #write(): Promise<number> {
    const [batch, lastId] = [this.#pending, this.#lastId];
    if (lastId === null || batch.length === 0) return FLUSH_AFTER_MS;
    this.#pending = [];
    try {
      const word = await this.#deps.store.append(this.#turn.ref, this.#fence, lastId, batch);
      if (word === 'fenced') this.#turn.lose('fenced');
      if (word !== 'no-room') return FLUSH_AFTER_MS;
      this.#pending = [...batch, ...this.#pending];
      return NO_ROOM_MS;
    } catch (error) {
      // Perhaps written, perhaps not: sent again together with what came since; readers skip what they have.
      this.#pending = [...batch, ...this.#pending];
      this.#deps.observer.failed('write the turn log', error, this.#turn.ref);
      return RETRY_AFTER_MS;
    }
  }
}
