import { type EventId, formatEventId, isAfter, type PlacedEvent } from '../../conversation/events.ts';
import type { EventLog } from '../../conversation/ports/sessions.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import { hasCode } from '../../errors.ts';
import type { Keys } from '../keys.ts';
import { SCRIPTS } from '../scripts.ts';
import type { Client } from '../server/connect.ts';
import { answered } from '../server/failures.ts';
import type { Mailbox } from '../server/mailbox.ts';
import { decodeEntry } from './event-codec.ts';

/** Most that is read at once, and that a stalled reader holds in memory: an entry is a batch of some 20 ms. */
const ENTRIES_PER_READ = 32;
const BYTES_PER_READ = 65_536;

/** How long a reported reader counts, and how often it is reported while the turn would be cancelled without one. */
const READ_FOR_MS = 3000;
const REPORT_EVERY_MS = 1000;

export class RedisEventLog implements EventLog {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #mailbox: Mailbox;

  constructor(client: Client, keys: Keys, mailbox: Mailbox) {
    this.#client = client;
    this.#keys = keys;
    this.#mailbox = mailbox;
  }

  async read(turn: TurnRef, after: EventId): Promise<readonly PlacedEvent[]> {
    const key = this.#keys.session(turn.session).log(turn.turnId);
    // An entry's id is its last event's, so a batch that the reader has in part is found as well.
    const from = after.seq === 0 && after.fence === 0 ? '-' : `(${formatEventId(after)}`;
    const { entries } = await SCRIPTS.readLog.run(
      this.#client,
      { log: key },
      { from, enough_bytes: BYTES_PER_READ, most_entries: ENTRIES_PER_READ },
    );
    let last = after;
    return entriesOf(entries).flatMap(([id, fields]) => {
      // Batches may overlap: one whose reply was lost is sent again with the events since.
      const news = decodeEntry(id, fields).filter((placed) => isAfter(placed.id, last));
      last = news.at(-1)?.id ?? last;
      return news;
    });
  }

  async last(turn: TurnRef): Promise<PlacedEvent | null> {
    const key = this.#keys.session(turn.session).log(turn.turnId);
    const entries = await answered(this.#client.xrevrange(key, '+', '-', 'COUNT', 1));
    return entries.flatMap(([id, fields]) => decodeEntry(id, fields)).at(-1) ?? null;
  }

  async watch(turn: TurnRef, onGrowth: () => void): Promise<() => void> {
    const keys = this.#keys.session(turn.session);
    const stop = await this.#mailbox.watch(keys.watch(turn.turnId), onGrowth);
    const report = () =>
      SCRIPTS.watchTurn.run(this.#client, { turn: keys.turn(turn.turnId) }, { for_ms: READ_FOR_MS });
    const reported = await report().catch((error: unknown) => {
      // Where Redis refuses all writes, nothing new is logged either; what is there can be read.
      if (hasCode(error, 'storage_full')) return null;
      stop();
      throw error;
    });
    if (reported?.word === 'OK' && reported.on_disconnect === 'continue') return stop;
    // By the clock, not by what is read: a reader whose socket is full still counts.
    const reporting = setInterval(() => void report().catch(() => {}), REPORT_EVERY_MS);
    return () => {
      clearInterval(reporting);
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
