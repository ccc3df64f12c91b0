import type { Part } from '../../conversation/parts.ts';
import type { History, Message } from '../../conversation/session.ts';

/**
 * Newest messages sent to a replica that knows nothing of a session; older ones are read only if the prompt needs them.
 */
export const HISTORY_TAIL = 256;

interface Entry {
  readonly epoch: string;
  readonly generation: string;
  readonly from: number;
  readonly messages: readonly Message[];
  readonly bytes: number;
}

/** Rough memory of a message beyond its text: object, ids, list slot; and of a history beyond its messages. */
const [MESSAGE_OVERHEAD_BYTES, ENTRY_BYTES] = [200, 200];

/**
 * Histories that this replica has just read, bounded in bytes; the least recently used go first. Only an optimisation:
 * each use is checked in Redis, and only acknowledged writes are added.
 */
export class HistoryCache {
  readonly #entries = new Map<string, Entry>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What Redis need not send again: EPOCH/GENERATION/COUNT/LAST-ID; empty: nothing is known. */
  known(tag: string): string {
    const entry = this.#entries.get(tag);
    const last = entry?.messages.at(-1);
    if (entry === undefined || last === undefined) return '';
    const { epoch, generation, from, messages } = entry;
    return `${epoch}/${generation}/${from + messages.length}/${last.id}`;
  }

  /** Joins what Redis sent with what was known, when Redis says that the two meet; stores and returns the whole. */
  merge(tag: string, fresh: History, continues: boolean): History {
    const entry = this.#entries.get(tag);
    // It may have been dropped, replaced or grown while Redis was asked.
    const isSame = entry?.epoch === fresh.epoch && entry.generation === fresh.generation;
    const meets = continues && isSame && entry.from + entry.messages.length === fresh.from;
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
    const { epoch, generation, from, messages } = whole;
    const bytes = entry?.messages === messages ? entry.bytes : ENTRY_BYTES + bytesOf(messages);
    this.#put(tag, { epoch, generation, from, messages, bytes });
    return whole;
  }

  /** Older messages of a history were read: they are kept with those behind them, where these are still the same. */
  prepend(tag: string, { epoch, generation, from }: History, older: readonly Message[]): void {
    const entry = this.#entries.get(tag);
    const meets = entry?.epoch === epoch && entry.generation === generation && entry.from === from;
    if (!meets || older.length === 0) return;
    const bytes = entry.bytes + bytesOf(older);
    this.#put(tag, { ...entry, from: from - older.length, messages: [...older, ...entry.messages], bytes });
  }

  /** After a commit that was acknowledged: adds its messages, if nothing is missing in between. */
  append(tag: string, place: number, messages: readonly Message[]): void {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return;
    if (entry.from + entry.messages.length !== place) {
      this.drop(tag);
      return;
    }
    const bytes = entry.bytes + bytesOf(messages);
    this.#put(tag, { ...entry, messages: [...entry.messages, ...messages], bytes });
  }

  drop(tag: string): void {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return;
    this.#bytes -= entry.bytes;
    this.#entries.delete(tag);
  }

  #put(tag: string, entry: Entry): void {
    this.drop(tag);
    if (entry.bytes > this.#maxBytes) return;
    this.#entries.set(tag, entry);
    this.#bytes += entry.bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.drop(oldest);
    }
  }
}

function bytesOf(messages: readonly Message[]): number {
  let bytes = 0;
  for (const { parts } of messages)
    bytes += parts.reduce((sum, part) => sum + charactersOf(part) * 2, MESSAGE_OVERHEAD_BYTES);
  return bytes;
}

function charactersOf(part: Part): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return part.text.length;
    case 'image':
      return part.imageUrl.length;
    case 'file':
      return (part.fileUrl?.length ?? 0) + (part.fileData?.length ?? 0);
    case 'function_call':
      return part.name.length + part.arguments.length;
    case 'function_result':
      return part.output.length;
    case 'removed':
      return 0;
  }
}
