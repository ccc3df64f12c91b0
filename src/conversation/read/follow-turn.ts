import { hasCode, TurnwiseError } from '../../errors.ts';
import { type EventId, isAfter, isTerminal, type PlacedEvent, type TurnEvent } from '../events.ts';
import { failureOfCode } from '../failures.ts';
import type { LiveTurn } from '../live/live-turn.ts';
import { stopIfUnread } from '../live/stop-if-unread.ts';
import type { Shows, TurnReader } from '../live/turn-feed.ts';
import type { Part } from '../parts.ts';
import type { Uses } from '../ports/core.ts';
import type { StoredTurn } from '../ports/turns.ts';
import { hasEnded, type TurnRecord, type TurnRef } from '../turn.ts';
import { retry, Wakeup } from '../waiting.ts';
import { findTurn } from './find-turn.ts';

/** A reader polls the log this often, in case an announcement was lost. */
const LOOK_EVERY_MS = 1000;

/** A reader of the log waits this long for Redis; then another replica may see more than this one. */
const AWAY_PATIENCE_MS = 30_000;

type FollowPorts = Uses<'live' | 'log' | 'store' | 'limits' | 'observer'>;

/**
 * Hands a reader the events of a turn after a place, until it ends: one path for readers that were here from the start
 * and for those that come back, on any replica. While the turn runs here they come from memory, else from its log in
 * Redis.
 *
 * Returns after a terminal event, or without one when the reader leaves (`signal`).
 *
 * @throws draining when this replica shuts down before the turn ended; commit_unknown when it cannot learn more of the
 *         turn; and what the reader throws
 */
export async function followTurn(
  ports: FollowPorts,
  turn: TurnRef,
  after: EventId,
  shows: Shows,
  to: TurnReader,
  signal: AbortSignal,
): Promise<void> {
  let last = after;
  const reader = withRestarts(to, after);
  const live = ports.live.find(turn);
  if (live !== undefined) {
    last = await catchUp(ports, live, after, reader, signal);
    last = await live.feed.read(last, shows, reader, signal);
    if (signal.aborted) {
      void stopIfUnread(ports, live);
      return;
    }
    if (live.feed.state === 'ended') return;
    if (live.feed.state === 'draining') throw new TurnwiseError('draining');
  }
  await followLog(ports, turn, last, reader, signal);
}

/**
 * A turn whose grant was lost in a failover starts once more as if for the first time. Readers that were shown some of
 * the lost attempt must forget that: for them it is a restart.
 */
function withRestarts(reader: TurnReader, after: EventId): TurnReader {
  let { fence } = after;
  const asShown = (placed: PlacedEvent): PlacedEvent => {
    const { id, event } = placed;
    const isAnew = fence !== 0 && id.fence !== fence && event.type === 'started';
    fence = id.fence;
    return isAnew ? { id, event: { type: 'restarted', attempt: event.attempt } } : placed;
  };
  return {
    take: (events) => reader.take(events.at(-1)?.id.fence === fence ? events : events.map(asShown)),
  };
}

/** Passes on what other replicas emitted before they lost the turn. */
async function catchUp(
  ports: FollowPorts,
  live: LiveTurn,
  after: EventId,
  reader: TurnReader,
  signal: AbortSignal,
): Promise<EventId> {
  if (!isAfter(live.beginsAfter, after)) return after;
  const arrive = live.feed.expectReader();
  try {
    for (let last = after; !signal.aborted; ) {
      const from = last;
      const page = await whileAway(ports, signal, () => ports.log.read(live.ref, from));
      const events = page.filter(({ id }) => !isAfter(id, live.beginsAfter));
      if (events.length === 0) return last;
      await reader.take(events);
      last = events.at(-1)?.id ?? last;
    }
    return after;
  } finally {
    arrive();
  }
}

async function followLog(
  ports: FollowPorts,
  turn: TurnRef,
  after: EventId,
  reader: TurnReader,
  signal: AbortSignal,
): Promise<void> {
  const wakeup = new Wakeup();
  const wake = () => wakeup.call();
  const patiently = <T>(ask: () => Promise<T>) => whileAway(ports, signal, ask);
  const stop = await patiently(() => ports.log.watch(turn, wake));
  signal.addEventListener('abort', wake);
  try {
    let last = after;
    while (!signal.aborted) {
      const events = await patiently(() => lookAtLog(ports, turn, last));
      if (signal.aborted) return;
      if (events.length > 0) {
        await reader.take(events);
        last = events.at(-1)?.id ?? last;
        if (events.some(({ event }) => isTerminal(event))) return;
        continue;
      }
      // Only after the log was read: a turn that ended as this replica left is reported here.
      if (ports.live.isDraining) throw new TurnwiseError('draining');
      await wakeup.sleep(LOOK_EVERY_MS);
    }
  } catch (error) {
    // A reader that has left needs no reason.
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', wake);
    stop();
  }
}

/** New events of the log; when it has none and will get none, those made from the record. */
async function lookAtLog(
  { log, store }: Uses<'log' | 'store'>,
  turn: TurnRef,
  last: EventId,
): Promise<readonly PlacedEvent[]> {
  const events = await log.read(turn, last);
  if (events.length > 0) return events;
  const stored = await store.find(turn);
  if (stored === null) {
    const id = { fence: last.fence + 1, seq: 1 };
    return [{ id, event: { type: 'error', ...failureOfCode('session_deleted') } }];
  }
  if (!hasEnded(stored.record.status)) return [];
  // It may have ended between the two reads.
  const rest = await log.read(turn, last);
  if (rest.length > 0) return rest;
  const shown = fromRecord(stored, await store.reply(turn, stored));
  const news = shown.filter(({ id }) => isAfter(id, last));
  // A place that no event of the turn ever had says nothing about what its reader has.
  return news.length > 0 ? news : shown;
}

/**
 * Retries while Redis is unavailable: a reader waits, and is not turned away at once.
 *
 * @throws draining, commit_unknown after AWAY_PATIENCE_MS
 */
async function whileAway<T>({ live }: Uses<'live'>, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  try {
    return await retry(ask, {
      forMs: AWAY_PATIENCE_MS,
      pauseMs: () => LOOK_EVERY_MS / 4,
      mayPass: (error) => hasCode(error, 'redis_unavailable') && !live.isDraining,
      signal,
    });
  } catch (error) {
    if (!hasCode(error, 'redis_unavailable')) throw error;
    throw live.isDraining
      ? new TurnwiseError('draining')
      : new TurnwiseError('commit_unknown', { cause: error });
  }
}

/**
 * Events for a turn whose log was lost or could not be written, but whose record knows how it ended. Always at the same
 * places, after all that any attempt may have logged, so that a reader that comes back with one is recognised.
 */
function fromRecord({ record, fence }: StoredTurn, reply: readonly Part[] | null): readonly PlacedEvent[] {
  // A turn that never ran ended under a fence made from the time (withdraw-turn), which is not after its end.
  const behind = fence === null ? (record.endedAtMs ?? 0) * 1000 + 1000 : Number(fence) + 1;
  const events: TurnEvent[] = [];
  if (reply !== null) {
    events.push({ type: 'restarted', attempt: record.attempt }, ...reply.flatMap(eventOf));
  }
  events.push(terminalOf(record));
  return events.map((event, index) => ({ id: { fence: behind, seq: index + 1 }, event }));
}

function eventOf(part: Part): readonly TurnEvent[] {
  switch (part.type) {
    case 'text':
      return [{ type: 'delta', content: part.text }];
    case 'reasoning':
      return [{ type: 'reasoning', content: part.text }];
    case 'function_call':
      return [{ type: 'tool_call', callId: part.callId, name: part.name, arguments: part.arguments }];
    case 'function_result':
      return [{ type: 'tool_result', callId: part.callId, output: part.output, isError: part.isError }];
    default:
      return [];
  }
}

function terminalOf(record: TurnRecord): TurnEvent {
  const messageCount = record.messageCount ?? 0;
  if (record.status === 'completed') {
    return { type: 'done', finishReason: record.finishReason ?? 'stop', usage: record.usage, messageCount };
  }
  if (record.status === 'cancelled') return { type: 'cancelled', kept: record.kept === true, messageCount };
  return { type: 'error', ...(record.failure ?? failureOfCode('internal')) };
}

/**
 * @returns whether nothing comes after a place any more: the turn ended, and the reader has its last event
 * @throws turn_not_found
 */
export async function hasAllEvents(
  ports: Uses<'log' | 'store'>,
  turn: TurnRef,
  after: EventId,
): Promise<boolean> {
  const stored = await findTurn(ports, turn);
  if (!hasEnded(stored.record.status) || (after.fence === 0 && after.seq === 0)) return false;
  const last = await ports.log.last(turn);
  if (last !== null && isTerminal(last.event)) return !isAfter(last.id, after);
  const end = fromRecord(stored, await ports.store.reply(turn, stored)).at(-1);
  return end === undefined || !isAfter(end.id, after);
}
