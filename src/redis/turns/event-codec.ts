import {
  countTogether,
  type EventId,
  eventFromJson,
  eventToJson,
  formatEventId,
  type PlacedEvent,
  parseEventId,
  type TurnEvent,
} from '../../conversation/events.ts';
import { parseArray } from '../json.ts';
import { wholeNumber } from '../whole-number.ts';

/** A batch of events, field `e` of a log entry, whose id is the last one's; the others count down from it. */
export function encodeBatch(events: readonly TurnEvent[]): string {
  return JSON.stringify(events.map(eventToJson));
}

/** Bounds what a reader of a log holds of it while its socket is full. */
const BATCH = { events: Number.POSITIVE_INFINITY, characters: 65_536 };

/** Events as batches, each with the place of its last event; that of the very last is given. */
export function encodeBatches(
  events: readonly TurnEvent[],
  lastId: EventId,
): readonly (readonly [id: string, batch: string])[] {
  const placed = events.map((event, at) => ({ id: before(lastId, events.length - 1 - at), event }));
  const batches: [string, string][] = [];
  for (let at = 0; at < events.length; ) {
    const end = at + countTogether(placed, at, placed.length, BATCH);
    batches.push([formatEventId(placed[end - 1]?.id ?? lastId), encodeBatch(events.slice(at, end))]);
    at = end;
  }
  return batches;
}

/**
 * Events of a log entry with their places; what cannot be read is left out. Scripts write no JSON: what they add to a
 * log is in fields of its own. `position`: the turn waits. `attempt`: it was restarted. `count`: the message count that
 * the event beside it lacks.
 */
export function decodeEntry(id: string, fields: readonly string[]): readonly PlacedEvent[] {
  const lastId = parseEventId(id);
  if (lastId === null) return [];
  const named = new Map(
    Array.from({ length: fields.length / 2 }, (_, at) => [fields[at * 2], fields[at * 2 + 1]]),
  );
  const position = wholeNumber(named.get('position'));
  if (position !== null) return [{ id: lastId, event: { type: 'queued', position } }];
  const attempt = wholeNumber(named.get('attempt'));
  if (attempt !== null) return [{ id: lastId, event: { type: 'restarted', attempt } }];
  const batch = parseArray(named.get('e') ?? '') ?? [];
  const count = wholeNumber(named.get('count'));
  return batch.flatMap((item, index) => {
    const event = eventFromJson(item);
    return event === null
      ? []
      : [{ id: before(lastId, batch.length - 1 - index), event: counted(event, count) }];
  });
}

function before({ fence, seq }: EventId, by: number): EventId {
  return { fence, seq: seq - by };
}

function counted(event: TurnEvent, messageCount: number | null): TurnEvent {
  return event.type === 'cancelled' && messageCount !== null ? { ...event, messageCount } : event;
}
