import { BEFORE_ALL, type EventId } from '../events.ts';
import { failureOfCode } from '../failures.ts';
import type { Uses } from '../ports/core.ts';
import type { Claimed } from '../ports/turns.ts';
import { Transcript } from '../transcript.ts';
import type { TurnRef } from '../turn.ts';
import type { Outcome } from './ending.ts';
import { writeEnding } from './ending.ts';

export type Seized = Extract<Claimed, { kind: 'seized' }>;

/**
 * Ends a turn seized from a replica that cannot end it itself. The part of the answer that was logged is kept, so that
 * readers and history agree.
 *
 * @throws redis_unavailable, storage_full, corrupt_session
 */
export async function endSeized(
  ports: Uses<'store' | 'log' | 'limits' | 'observer'>,
  turn: TurnRef,
  seized: Seized,
): Promise<void> {
  const stored = await ports.store.find(turn);
  if (stored === null) return;
  const nowMs = Date.now();
  const times = { startedAtMs: stored.record.startedAtMs ?? nowMs, endedAtMs: nowMs };
  const written = await writeEnding(
    ports,
    { turn, fence: seized.fence, lockValue: () => null },
    {
      input: stored.input,
      // Its plan died with its replica: only a turn that simply adds to the history can be told from its log.
      isStored: stored.profile.options.history === undefined,
      change: null,
      echo: stored.profile.echo,
      transcript: await loggedTranscript(ports, turn),
      keepsReasoning: ports.limits.reasoning === 'store',
      attempt: stored.record.attempt,
      messageCountBefore: seized.messageCount,
      // Under the new fence: after everything that the old replica may have logged.
      lastId: { fence: Number(seized.fence), seq: 1 },
      unlogged: [],
    },
    outcomeOf(seized, times),
  );
  if (written.kind === 'ended') {
    ports.observer.turnEnded(turn, written.outcome, nowMs - times.startedAtMs);
  }
}

function outcomeOf(seized: Seized, times: { startedAtMs: number; endedAtMs: number }): Outcome {
  switch (seized.why) {
    case 'stopped':
      return { ...times, kind: 'stopped', stop: seized.stop };
    case 'exhausted':
      return { ...times, kind: 'failed', failure: failureOfCode('attempts_exhausted') };
    case 'unconfirmed':
      return { ...times, kind: 'failed', failure: failureOfCode('redis_unavailable') };
  }
}

/** What the log holds of the last attempt. */
async function loggedTranscript({ log }: Uses<'log'>, turn: TurnRef): Promise<Transcript> {
  const transcript = new Transcript();
  for (let last: EventId = BEFORE_ALL; ; ) {
    const events = await log.read(turn, last);
    if (events.length === 0) return transcript;
    for (const { event } of events) transcript.add(event);
    last = events.at(-1)?.id ?? last;
  }
}
