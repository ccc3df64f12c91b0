import { assertNever } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import { type Conclusion, endingFor, terminalEvent } from './ending.ts';
import { BEFORE_ALL, type EventId, type PlacedEvent } from './events.ts';
import { failureOfCode } from './failure.ts';
import type { Claimed, TurnRef } from './ports.ts';

export type Seized = Extract<Claimed, { kind: 'seized' }>;

/**
 * Ends a turn that was taken from a replica which cannot end it itself: what its log has of the answer is what
 * is kept, so readers and history agree.
 */
export async function endSeized(deps: TurnDeps, ref: TurnRef, seized: Seized): Promise<void> {
  const stored = await deps.store.find(ref.session, ref.turnId);
  if (stored === null) return;
  const said = saidIn(await wholeLog(deps, ref));
  const nowMs = Date.now();
  const outcome = {
    userMessages: stored.userMessages,
    messageCountBefore: seized.messageCount,
    // One attempt further: behind everything that the old replica may have logged.
    lastId: { attempt: seized.attempt + 1, seq: 1 },
    said,
    unlogged: [],
  };
  const conclusion = conclusionOf(seized, stored.record.startedAtMs ?? nowMs, nowMs);
  const ending = endingFor(outcome, conclusion, terminalEvent(outcome, conclusion));
  await deps.store.end(ref, seized.fence, null, ending);
}

function conclusionOf(seized: Seized, startedAtMs: number, endedAtMs: number): Conclusion {
  switch (seized.why) {
    case 'stopped':
      return { kind: 'stopped', startedAtMs, endedAtMs, stop: seized.stop };
    case 'exhausted':
      return { kind: 'failed', startedAtMs, endedAtMs, failure: failureOfCode('attempts_exhausted') };
    case 'unconfirmed':
      return { kind: 'failed', startedAtMs, endedAtMs, failure: failureOfCode('redis_unavailable') };
    default:
      return assertNever(seized.why);
  }
}

async function wholeLog(deps: TurnDeps, ref: TurnRef): Promise<readonly PlacedEvent[]> {
  const events: PlacedEvent[] = [];
  for (let last: EventId = BEFORE_ALL; ; ) {
    const more = await deps.log.read(ref, last);
    if (more.length === 0) return events;
    events.push(...more);
    last = more.at(-1)?.id ?? last;
  }
}

/** The pieces of the last attempt; what an earlier one said was never an answer. */
function saidIn(events: readonly PlacedEvent[]): readonly string[] {
  let said: string[] = [];
  for (const { event } of events) {
    if (event.type === 'restarted') said = [];
    if (event.type === 'delta') said.push(event.content);
  }
  return said;
}
