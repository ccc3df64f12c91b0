import {
  type EventId,
  formatEventId,
  isAfter,
  type PlacedEvent,
  parseEventId,
} from '../conversation/events.ts';
import type { EventLog, TurnRef } from '../conversation/ports.ts';
import { hasCode } from '../errors.ts';
import type { Client } from './connect.ts';
import { decodeBatch } from './event-codec.ts';
import { answered } from './failures.ts';
import type { Keys } from './keys.ts';
import type { Mailbox } from './mailbox.ts';

/** What is read at once, and by a reader that stalls held in memory: an entry is a batch of some 20 ms. */
const ENTRIES_PER_READ = 32;
const BYTES_PER_READ = 65_536;

/** So long a reader counts after it was told of, and how often that is done. */
const READ_FOR_MS = 3000;
const TELL_EVERY_MS = 1000;

export class RedisEventLog implements EventLog {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #mailbox: Mailbox;
  readonly #countsReaders: boolean;

  /** @param countsReaders  whether a turn is stopped that nobody reads, so that readers must be told of */
  constructor(client: Client, keys: Keys, mailbox: Mailbox, countsReaders: boolean) {
    this.#client = client;
    this.#keys = keys;
    this.#mailbox = mailbox;
    this.#countsReaders = countsReaders;
  }

  async read(turn: TurnRef, after: EventId): Promise<readonly PlacedEvent[]> {
    const key = this.#keys.session(turn.session).log(turn.turnId);
    // An entry's id is its last event's, so a batch that the reader has in part is found as well.
    const from = after.seq === 0 && after.attempt === 0 ? '-' : `(${formatEventId(after)}`;
    const page = await answered(this.#client.readLog(1, key, from, BYTES_PER_READ, ENTRIES_PER_READ));
    let last = after;
    return entriesOf(page).flatMap(([id, fields]) => {
      // Batches may overlap: one whose reply was lost is sent again with what came since.
      const news = eventsOf(id, fields).filter((placed) => isAfter(placed.id, last));
      last = news.at(-1)?.id ?? last;
      return news;
    });
  }

  async last(turn: TurnRef): Promise<PlacedEvent | null> {
    const key = this.#keys.session(turn.session).log(turn.turnId);
    const entries = await answered(this.#client.xrevrange(key, '+', '-', 'COUNT', 1));
    return entries.flatMap(([id, fields]) => eventsOf(id, fields)).at(-1) ?? null;
  }

  async watch(turn: TurnRef, grown: () => void): Promise<() => void> {
    const keys = this.#keys.session(turn.session);
    const stop = await this.#mailbox.watch(keys.watch(turn.turnId), grown);
    const key = keys.turn(turn.turnId);
    try {
      await answered(this.#client.watchTurn(1, key, READ_FOR_MS));
    } catch (error) {
      // Where Redis refuses all writes nothing new is logged either; what there is can be read.
      if (!hasCode(error, 'storage_full')) {
        stop();
        throw error;
      }
    }
    if (!this.#countsReaders) return stop;
    // By the clock, not by what is read: a reader whose socket is full reads on all the same.
    const telling = setInterval(() => {
      this.#client.watchTurn(1, key, READ_FOR_MS).catch(() => {});
    }, TELL_EVERY_MS);
    return () => {
      clearInterval(telling);
      stop();
    };
  }
}

function entriesOf(page: unknown): readonly (readonly [id: string, fields: readonly string[]])[] {
  const entries: readonly unknown[] = Array.isArray(page) ? page : [];
  return entries.flatMap((entry) =>
    Array.isArray(entry) && Array.isArray(entry[1])
      ? [[String(entry[0]), entry[1].map(String)] as const]
      : [],
  );
}

function eventsOf(id: string, fields: readonly string[]): readonly PlacedEvent[] {
  const lastId = parseEventId(id);
  const batch = fields[fields.indexOf('e') + 1];
  return lastId === null || batch === undefined ? [] : decodeBatch(lastId, batch);
}
