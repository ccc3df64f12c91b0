import { hasCode, TurnwiseError } from '../errors.ts';
import { Bell } from './bell.ts';
import type { TurnDeps } from './deps.ts';
import { type EventId, isAfter, isTerminal, type PlacedEvent, type TurnEvent } from './events.ts';
import { failureOfCode } from './failure.ts';
import type { LiveTurn } from './live-turn.ts';
import type { TurnRef } from './ports.ts';
import { stopIfUnread } from './stop-if-unread.ts';
import { isEnded, type TurnRecord } from './turn.ts';

/** A reader of the log looks by itself this often, in case an announcement was lost. */
const LOOK_EVERY_MS = 1000;

/** A reader of the log waits so long for Redis; then another replica may see more than this one. */
const AWAY_PATIENCE_MS = 30_000;

/**
 * The events of a turn after a place, until it ends: one path for those who were here from the start and those
 * who come back, on whichever replica. While the turn runs here, from memory; else from its log in Redis.
 *
 * Ends after a terminal event, or without one when the reader leaves (`signal`).
 *
 * @throws draining when this replica leaves before the turn ended; commit_unknown when it cannot hear of the turn
 */
export async function* followTurn(
  deps: TurnDeps,
  ref: TurnRef,
  after: EventId,
  signal: AbortSignal,
): AsyncGenerator<readonly PlacedEvent[]> {
  const bell = new Bell();
  const leave = () => bell.ring();
  signal.addEventListener('abort', leave);
  try {
    let last = after;
    const live = deps.live.find(ref);
    if (live !== undefined) {
      for await (const events of fromFeed(deps, live, last, bell, signal)) {
        yield events;
        last = events.at(-1)?.id ?? last;
        if (endsWithTerminal(events)) return;
      }
      if (signal.aborted) return;
      if (live.feed.state === 'draining') throw new TurnwiseError('draining');
    }
    yield* fromLog(deps, ref, last, bell, signal);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

async function* fromFeed(
  deps: TurnDeps,
  live: LiveTurn,
  after: EventId,
  bell: Bell,
  signal: AbortSignal,
): AsyncGenerator<readonly PlacedEvent[]> {
  const stop = live.feed.subscribe(bell);
  try {
    for (let index = 0; !signal.aborted; ) {
      const isClosed = live.feed.state !== 'open';
      const news = live.feed.since(index, after);
      index = news.index;
      if (news.events.length > 0) yield news.events;
      else if (isClosed) return;
      else await bell.heard();
    }
  } finally {
    stop();
    if (signal.aborted) void stopIfUnread(deps, live);
  }
}

async function* fromLog(
  deps: TurnDeps,
  ref: TurnRef,
  after: EventId,
  bell: Bell,
  signal: AbortSignal,
): AsyncGenerator<readonly PlacedEvent[]> {
  const stop = await untilAnswered(deps, signal, () => deps.log.watch(ref, () => bell.ring()));
  if (stop === null) return;
  try {
    let last = after;
    while (!signal.aborted) {
      const seen = await untilAnswered(deps, signal, () => lookAtLog(deps, ref, last));
      if (seen === null) return;
      if (seen.length > 0) {
        yield seen;
        last = seen.at(-1)?.id ?? last;
        if (endsWithTerminal(seen)) return;
        continue;
      }
      // Not before it has looked: a turn that ended as this replica left is told here.
      if (deps.live.isDraining) throw new TurnwiseError('draining');
      await bell.heard(LOOK_EVERY_MS);
    }
  } finally {
    stop();
  }
}

/** News of the log; when it has none and will have none, what the record says in its place. */
async function lookAtLog(deps: TurnDeps, ref: TurnRef, last: EventId): Promise<readonly PlacedEvent[]> {
  const events = await deps.log.read(ref, last);
  if (events.length > 0) return events;
  const stored = await deps.store.find(ref.session, ref.turnId);
  if (stored === null) {
    const id = { attempt: last.attempt + 1, seq: 1 };
    return [{ id, event: { type: 'error', ...failureOfCode('session_deleted') } }];
  }
  if (!isEnded(stored.record.status)) return [];
  // It may have ended between the two looks.
  const rest = await deps.log.read(ref, last);
  if (rest.length > 0) return rest;
  const told = fromRecord(stored.record);
  const news = told.filter(({ id }) => isAfter(id, last));
  // A place that no event of the turn ever had says nothing of what its reader knows.
  return news.length > 0 ? news : told;
}

/**
 * Asks again while Redis is away: a reader waits, it is not turned away at once.
 *
 * @returns null when the reader left
 * @throws draining, commit_unknown after AWAY_PATIENCE_MS
 */
async function untilAnswered<T>(
  deps: TurnDeps,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T | null> {
  const untilMs = performance.now() + AWAY_PATIENCE_MS;
  while (!signal.aborted) {
    try {
      return await ask();
    } catch (error) {
      if (!hasCode(error, 'redis_unavailable')) throw error;
      if (deps.live.isDraining) throw new TurnwiseError('draining');
      if (performance.now() > untilMs) throw new TurnwiseError('commit_unknown', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS / 4));
    }
  }
  return null;
}

/**
 * The log was lost or could not be written, but the record knows how the turn ended. Always at the same places,
 * behind all that any attempt may have logged: a reader that comes back with one of them is known.
 */
function fromRecord(record: TurnRecord): readonly PlacedEvent[] {
  const attempt = record.attempt + 2;
  const events: TurnEvent[] = [];
  if (record.reply !== null) {
    events.push({ type: 'restarted', attempt: record.attempt }, { type: 'delta', content: record.reply });
  }
  events.push(terminalOf(record));
  return events.map((event, index) => ({ id: { attempt, seq: index + 1 }, event }));
}

function terminalOf(record: TurnRecord): TurnEvent {
  const messageCount = record.messageCount ?? 0;
  if (record.status === 'completed') {
    return { type: 'done', finishReason: record.finishReason ?? 'stop', usage: record.usage, messageCount };
  }
  if (record.status === 'cancelled') return { type: 'cancelled', kept: record.kept === true, messageCount };
  return { type: 'error', ...(record.failure ?? failureOfCode('internal')) };
}

function endsWithTerminal(events: readonly PlacedEvent[]): boolean {
  const last = events.at(-1);
  return last !== undefined && isTerminal(last.event);
}

/** @returns whether nothing comes after a place any more: the turn ended, and the reader has its last event */
export async function hasAllEvents(
  deps: TurnDeps,
  ref: TurnRef,
  record: TurnRecord,
  after: EventId,
): Promise<boolean> {
  if (!isEnded(record.status) || (after.attempt === 0 && after.seq === 0)) return false;
  const last = await deps.log.last(ref);
  const end = last !== null && isTerminal(last.event) ? last : fromRecord(record).at(-1);
  return end === undefined || !isAfter(end.id, after);
}
