import type { TurnDeps } from '../conversation/deps.ts';
import { BEFORE_ALL, type EventId, parseEventId } from '../conversation/events.ts';
import { mustFindTurn } from '../conversation/find-turn.ts';
import { hasAllEvents } from '../conversation/follow-turn.ts';
import type { TurnPlace, TurnRef } from '../conversation/ports.ts';
import { TurnwiseError } from '../errors.ts';

/**
 * The place that a client has read to: `Last-Event-ID` of those that may set headers, `lastEventId` of those that may not.
 *
 * @throws invalid_request
 */
export function placeAfter(header: string | undefined, query?: string): EventId {
  // Empty is what some send before their first event.
  const text = header || query;
  if (text === undefined || text === '') return BEFORE_ALL;
  const place = parseEventId(text);
  if (place === null) {
    throw new TurnwiseError('invalid_request', { message: 'Last-Event-ID is not an event id' });
  }
  return place;
}

/**
 * By itself, because a record holds the whole answer, and would be held as long as its reader reads.
 *
 * @returns null when the reader has all of it
 */
export async function turnToRead(deps: TurnDeps, place: TurnPlace, after: EventId): Promise<TurnRef | null> {
  const { record, idempotencyHashes } = await mustFindTurn(deps, place);
  const turn = { ...place, idempotencyHashes };
  return (await hasAllEvents(deps, turn, record, after)) ? null : turn;
}
