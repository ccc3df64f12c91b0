import type { History, Message } from '../conversation/session.ts';

interface Entry {
  readonly epoch: string;
  readonly from: number;
  readonly messages: readonly Message[];
  readonly bytes: number;
}

/** Rough memory of a message beyond its text: object, ids, list slot. */
const MESSAGE_OVERHEAD_BYTES = 200;

/**
 * Histories that this replica has just read, least recently used out first, bounded in bytes. Only a saving:
 * each use is checked against epoch, count and fence in Redis, and it learns only from writes that answered OK.
 */
export class HistoryCache {
  readonly #entries = new Map<string, Entry>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What to tell Redis that is known already, EPOCH/COUNT/FENCE; empty: nothing. */
  known(tag: string): string {
    const entry = this.#entries.get(tag);
    const last = entry?.messages.at(-1);
    if (entry === undefined || last === undefined) return '';
    return `${entry.epoch}/${entry.from + entry.messages.length}/${last.fence}`;
  }

  /**
   * Joins what Redis sent with what was known, when it says that the two meet; keeps and returns the whole.
   */
  merge(tag: string, fresh: History, continues: boolean): History {
    const entry = this.#entries.get(tag);
    // It may have been dropped, or grown, while Redis was asked.
    const meets = continues && entry !== undefined && entry.from + entry.messages.length === fresh.from;
    const kept = meets ? Math.max(0, fresh.dropped - entry.from) : 0;
    const whole: History = meets
      ? {
          ...fresh,
          from: entry.from + kept,
          messages:
            fresh.messages.length === 0 && kept === 0
              ? entry.messages
              : [...entry.messages.slice(kept), ...fresh.messages],
        }
      : fresh;
    this.#put(tag, whole);
    return whole;
  }

  /** After a commit that answered OK: what it added is known, if nothing is missing in between. */
  append(tag: string, place: number, messages: readonly Message[]): void {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return;
    if (entry.from + entry.messages.length !== place) {
      this.drop(tag);
      return;
    }
    this.#put(tag, { ...entry, messages: [...entry.messages, ...messages] });
  }

  drop(tag: string): void {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return;
    this.#bytes -= entry.bytes;
    this.#entries.delete(tag);
  }

  #put(tag: string, history: Pick<History, 'epoch' | 'from' | 'messages'>): void {
    const before = this.#entries.get(tag);
    const bytes =
      before !== undefined && before.messages === history.messages ? before.bytes : sizeOf(history.messages);
    this.drop(tag);
    if (bytes > this.#maxBytes) return;
    this.#entries.set(tag, { epoch: history.epoch, from: history.from, messages: history.messages, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.drop(oldest);
    }
  }
}

function sizeOf(messages: readonly Message[]): number {
  let bytes = MESSAGE_OVERHEAD_BYTES;
  for (const message of messages) bytes += message.content.length * 2 + MESSAGE_OVERHEAD_BYTES;
  return bytes;
}
