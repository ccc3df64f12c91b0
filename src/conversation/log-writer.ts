import type { TurnDeps } from './deps.ts';
import type { EventId, PlacedEvent, TurnEvent } from './events.ts';
import type { LiveTurn } from './live-turn.ts';

/** A batch goes out when it is this old or this long, whichever is first. */
const FLUSH_AFTER_MS = 20;
const FLUSH_AT_EVENTS = 32;

/** Characters of text in a batch: what has to wait grows, and is sent in pieces then. */
const MOST_TEXT = 65_536;

/** A log that was refused, or for which there was no room, is tried again this much later. */
const RETRY_AFTER_MS = 250;

/**
 * Brings the events of a running turn into its log, in batches, in the background. It never holds up the
 * answer and never loses it: what could not be written goes along with the commit.
 */
export class LogWriter {
  readonly #deps: TurnDeps;
  readonly #turn: LiveTurn;
  readonly #fence: string;
  #pending: (PlacedEvent & { readonly saidLength: number })[] = [];
  #saidLength = 0;
  #timer: NodeJS.Timeout | null = null;
  #flushing: Promise<void> | null = null;
  #isRefused = false;
  #isOver = false;

  constructor(deps: TurnDeps, turn: LiveTurn, fence: string) {
    this.#deps = deps;
    this.#turn = turn;
    this.#fence = fence;
  }

  add(id: EventId, event: TurnEvent): void {
    if (event.type === 'delta') this.#saidLength += event.content.length;
    this.#pending.push({ id, event, saidLength: this.#saidLength });
    if (this.#pending.length >= FLUSH_AT_EVENTS && !this.#isRefused) this.#flush();
    else this.#plan(FLUSH_AFTER_MS);
  }

  /** Stops writing. @returns what the log does not have for sure, in order */
  async close(): Promise<readonly TurnEvent[]> {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#flushing;
    return this.#pending.map(({ event }) => event);
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
    this.#flushing = this.#write().then((isWritten) => {
      this.#flushing = null;
      this.#isRefused = !isWritten;
      if (this.#pending.length > 0) this.#plan(isWritten ? FLUSH_AFTER_MS : RETRY_AFTER_MS);
    });
  }

  async #write(): Promise<boolean> {
    const batch = this.#pending.slice(0, this.#batchLength());
    const last = batch.at(-1);
    if (last === undefined) return true;
    this.#pending = this.#pending.slice(batch.length);
    const events = batch.map(({ event }) => event);
    try {
      const word = await this.#deps.store.append(
        this.#turn.ref,
        this.#fence,
        last.id,
        events,
        last.saidLength,
      );
      if (word === 'fenced') this.#turn.lose('fenced');
      if (word !== 'no-room') return true;
    } catch (error) {
      // Perhaps written, perhaps not: sent again together with what came since; readers skip what they have.
      this.#deps.observer.failed('write the turn log', error, this.#turn.ref);
    }
    this.#pending = [...batch, ...this.#pending];
    return false;
  }

  /** How many of those that wait go out together. */
  #batchLength(): number {
    let text = 0;
    const end = this.#pending.findIndex(({ event }) => {
      text += event.type === 'delta' ? event.content.length : 0;
      return text >= MOST_TEXT;
    });
    return end < 0 ? this.#pending.length : end + 1;
  }
}
