import { assertNever, hasCode } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import { type Conclusion, endingFor, terminalEvent } from './ending.ts';
import { BEFORE_ALL, type EventId, type PlacedEvent } from './events.ts';
import { failureOfCode } from './failure.ts';
import type { Claimed, Ended, TurnRef } from './ports.ts';

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
  const times = { startedAtMs: stored.record.startedAtMs ?? nowMs, endedAtMs: nowMs };
  let conclusion: Conclusion = { ...times, ...causeOf(seized) };
  for (;;) {
    const ending = endingFor(outcome, conclusion, terminalEvent(outcome, conclusion));
    const ended = await deps.store
      .end(ref, seized.fence, () => null, ending)
      .catch((error: unknown): Ended => {
        // Somebody edited the history: a turn that keeps nothing can end all the same.
        const isCorrupt = hasCode(error, 'corrupt_session');
        if (isCorrupt && conclusion.kind !== 'failed') return { kind: 'corrupt' };
        throw error;
      });
    switch (ended.kind) {
      case 'stopped':
        conclusion = { ...times, kind: 'stopped', stop: ended.stop };
        continue;
      case 'corrupt':
        conclusion = { ...times, kind: 'failed', failure: failureOfCode('corrupt_session') };
        continue;
      case 'locked':
        await deps.store.freeLock(ref, seized.fence);
        continue;
      case 'ok':
        deps.observer.turnEnded(ref, ending.outcome, nowMs - times.startedAtMs);
        return;
      case 'gone':
      case 'fenced':
        return;
      default:
        assertNever(ended);
    }
  }
}

function causeOf(seized: Seized) {
  switch (seized.why) {
    case 'stopped':
      return { kind: 'stopped', stop: seized.stop } as const;
    case 'exhausted':
      return { kind: 'failed', failure: failureOfCode('attempts_exhausted') } as const;
    case 'unconfirmed':
      return { kind: 'failed', failure: failureOfCode('redis_unavailable') } as const;
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
