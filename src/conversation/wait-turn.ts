import { performance } from 'node:perf_hooks';
import { assertNever, TurnwiseError } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import { failureFrom, failureOfCode } from './failure.ts';
import { leaveTurn } from './leave-turn.ts';
import type { LiveTurn } from './live-turn.ts';
import type { Ahead, Withdrawal } from './ports.ts';
import { runGranted } from './run-granted.ts';

/** A waiting turn looks by itself this often, in case its wake-up was lost; also how often it tells its position. */
const LOOK_EVERY_MS = 1000;

/** Nothing runs, only the lock is held still: it will not be for long, and nobody will ring. */
const LOCK_LOOK_MS = 50;

/** Waits until it is the turn's turn and runs it. Ends it when that takes too long; never throws. */
export async function waitForTurn(
  deps: TurnDeps,
  turn: LiveTurn,
  firstPosition: number,
  firstAhead: Ahead,
): Promise<void> {
  const untilMs = performance.now() + deps.limits.queueWaitMs;
  // Each look also renews the turn's keys, so it must come well within the session's time.
  const lookEveryMs = Math.min(LOOK_EVERY_MS, deps.limits.sessionTtlMs / 3);
  let [position, waitMs] = [firstPosition, firstAhead.runningTurnId === null ? LOCK_LOOK_MS : lookEveryMs];
  for (;;) {
    await turn.bell.heard(Math.min(waitMs + Math.random() * 100, Math.max(0, untilMs - performance.now())));
    if (turn.loss !== null) return leaveTurn(deps, turn);
    try {
      if (turn.stop !== null) return await withdraw(deps, turn, { outcome: 'cancelled', failure: null });
      if (performance.now() >= untilMs) {
        return await withdraw(deps, turn, { outcome: 'failed', failure: failureOfCode('queue_timeout') });
      }
      const opened = await deps.queue.open(turn.ref);
      switch (opened.kind) {
        case 'granted':
          return await runGranted(deps, turn, opened.grant);
        case 'waiting':
          waitMs = opened.lockTtlMs > 0 ? Math.min(lookEveryMs, opened.lockTtlMs + 5) : lookEveryMs;
          if (opened.ahead.isStale && opened.ahead.runningTurnId !== null) {
            await deps.takeover.suspect(turn.ref.session, opened.ahead.runningTurnId);
          }
          if (opened.position !== position && opened.position > 0)
            await tellPosition(deps, turn, opened.position);
          position = opened.position;
          continue;
        case 'gone':
          turn.lose('gone');
          return leaveTurn(deps, turn);
        case 'taken':
        case 'ended':
          turn.lose('fenced');
          return leaveTurn(deps, turn);
        default:
          assertNever(opened);
      }
    } catch (error) {
      deps.observer.failed('wait for a turn', error, turn.ref);
      if (!(error instanceof TurnwiseError) || error.code === 'corrupt_session') {
        return failHere(deps, turn, error);
      }
      waitMs = lookEveryMs;
    }
  }
}

async function tellPosition(deps: TurnDeps, turn: LiveTurn, position: number): Promise<void> {
  const event = { type: 'queued', position } as const;
  await deps.store.append(turn.ref, deps.replicaId, turn.emit(event), [event]);
}

async function withdraw(
  deps: TurnDeps,
  turn: LiveTurn,
  ending: Omit<Withdrawal, 'evenIfRunning'>,
): Promise<void> {
  const withdrawn = await deps.queue.withdraw(turn.ref, { ...ending, evenIfRunning: false });
  // Granted in the same moment by its own look: that look goes on with it.
  if (withdrawn.kind !== 'running') turn.lose(withdrawn.kind === 'gone' ? 'gone' : 'fenced');
  return leaveTurn(deps, turn);
}

async function failHere(deps: TurnDeps, turn: LiveTurn, error: unknown): Promise<void> {
  const failure = failureFrom(error);
  await deps.queue
    .withdraw(turn.ref, { outcome: 'failed', failure, evenIfRunning: true })
    .catch((cause: unknown) => {
      deps.observer.failed('end a turn', cause, turn.ref);
    });
  turn.emit({ type: 'error', ...failure });
  turn.feed.close('ended');
}
