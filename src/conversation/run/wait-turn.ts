import { performance } from 'node:perf_hooks';
import { assertNever, TurnwiseError } from '../../errors.ts';
import { leaveTurn } from '../end/leave-turn.ts';
import { withdrawTurn } from '../end/withdraw-turn.ts';
import { failureFrom, failureOfCode } from '../failures.ts';
import type { LiveTurn } from '../live/live-turn.ts';
import { stopIfUnread } from '../live/stop-if-unread.ts';
import type { Uses } from '../ports/core.ts';
import type { Withdrawal } from '../ports/turns.ts';
import { type RunPorts, runTurn } from './run-turn.ts';

/** A waiting turn polls this often, in case its wake-up was lost; also how often it reports its position. */
const LOOK_EVERY_MS = 1000;

type WaitPorts = RunPorts & Uses<'queue' | 'replicaId'>;

/**
 * Waits until the turn may run, and runs it. Ends it when that takes too long; never throws.
 *
 * @param waitedMs  how long it has waited elsewhere
 */
export async function waitForTurn(
  ports: WaitPorts,
  turn: LiveTurn,
  firstPosition: number,
  waitedMs = 0,
): Promise<void> {
  const { limits, queue, takeover, observer } = ports;
  const sinceMs = performance.now() - waitedMs;
  const untilMs = sinceMs + limits.queueWaitMs;
  // Each poll also renews the turn's lease and the TTL of its keys, so it must come well within both.
  const lookEveryMs = Math.min(LOOK_EVERY_MS, limits.sessionTtlMs / 3, limits.lockTtlMs / 3);
  let [position, isGranted, hasFailed] = [firstPosition, false, false];
  for (;;) {
    const leftMs = Math.max(0, untilMs - performance.now());
    const pauseMs = (hasFailed ? LOOK_EVERY_MS : lookEveryMs) * (1 + Math.random() / 10);
    // After a failure the whole pause, even when the wait has ended: an unavailable Redis must not be asked without
    // one.
    await turn.wakeup.sleep(hasFailed ? pauseMs : Math.min(pauseMs, leftMs));
    hasFailed = false;
    if (turn.loss !== null) return leaveTurn(ports, turn);
    try {
      const reason = isGranted ? null : reasonToWithdraw(turn, performance.now() >= untilMs);
      if (reason !== null) {
        const withdrawn = await withdrawTurn(ports, turn.ref, { ...reason, condition: 'waits' });
        if (withdrawn !== 'running') {
          turn.lose(withdrawn === 'gone' ? 'gone' : 'fenced');
          return leaveTurn(ports, turn);
        }
        // It was granted by a poll whose reply was lost; the next one finds that out.
        isGranted = true;
      }
      const opened = await queue.open(turn.ref);
      switch (opened.kind) {
        case 'granted':
          observer.waited(turn.ref, performance.now() - sinceMs);
          return await runTurn(ports, turn, opened.grant);
        case 'waiting':
          isGranted = false;
          if (opened.staleTurnId !== null) {
            await takeover.suspect({ session: turn.ref.session, turnId: opened.staleTurnId });
          }
          if (opened.position !== position) {
            // Set before it is reported: a log that cannot be written must not have it reported again each second.
            position = opened.position;
            if (position > 0) await reportPosition(ports, turn, position);
          }
          await stopIfUnread(ports, turn);
          continue;
        case 'gone':
          turn.lose('gone');
          return leaveTurn(ports, turn);
        case 'taken':
        case 'ended':
          turn.lose('fenced');
          return leaveTurn(ports, turn);
        default:
          assertNever(opened);
      }
    } catch (error) {
      observer.failed('turn_wait', error, turn.ref);
      if (
        !(error instanceof TurnwiseError) ||
        error.code === 'corrupt_session' ||
        error.code === 'internal'
      ) {
        return failHere(ports, turn, error);
      }
      [hasFailed, turn.troubleAtMs] = [true, performance.now()];
    }
  }
}

function reasonToWithdraw(turn: LiveTurn, isTimeOver: boolean): Omit<Withdrawal, 'condition'> | null {
  if (turn.stop !== null) return { outcome: 'cancelled', failure: null };
  return isTimeOver ? { outcome: 'failed', failure: failureOfCode('queue_timeout') } : null;
}

async function reportPosition(
  { store, replicaId }: Uses<'store' | 'replicaId'>,
  turn: LiveTurn,
  position: number,
): Promise<void> {
  const event = { type: 'queued', position } as const;
  await store.append(turn.ref, replicaId, turn.emit(event), [event], 0);
  turn.markLogged();
}

async function failHere(ports: Uses<'queue' | 'observer'>, turn: LiveTurn, error: unknown): Promise<void> {
  const failure = failureFrom(error);
  await withdrawTurn(ports, turn.ref, { outcome: 'failed', failure, condition: 'any' }).catch(
    (cause: unknown) => {
      ports.observer.failed('turn_end', cause, turn.ref);
    },
  );
  turn.emit({ type: 'error', ...failure });
  turn.feed.close('ended');
}
