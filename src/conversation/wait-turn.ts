import { performance } from 'node:perf_hooks';
import { assertNever, TurnwiseError } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import { failureFrom, failureOfCode } from './failure.ts';
import { leaveTurn } from './leave-turn.ts';
import type { LiveTurn } from './live-turn.ts';
import type { Withdrawal } from './ports.ts';
import { runGranted } from './run-granted.ts';
import { stopIfUnread } from './stop-if-unread.ts';
import { withdrawTurn } from './withdraw-turn.ts';

/** A waiting turn looks by itself this often, in case its wake-up was lost; also how often it tells its position. */
const LOOK_EVERY_MS = 1000;

/**
 * Waits until it is the turn's turn and runs it. Ends it when that takes too long; never throws.
 *
 * @param waitedMs  how long it has waited elsewhere
 */
export async function waitForTurn(
  deps: TurnDeps,
  turn: LiveTurn,
  firstPosition: number,
  waitedMs = 0,
): Promise<void> {
  const untilMs = performance.now() + deps.limits.queueWaitMs - waitedMs;
  // Each look also renews the turn's lease and its keys, so it must come well within the time of both.
  const { sessionTtlMs, lockTtlMs } = deps.limits;
  const lookEveryMs = Math.min(LOOK_EVERY_MS, sessionTtlMs / 3, lockTtlMs / 3);
  let [position, isGranted, hasFailed] = [firstPosition, false, false];
  for (;;) {
    const leftMs = Math.max(0, untilMs - performance.now());
    const pauseMs = (hasFailed ? LOOK_EVERY_MS : lookEveryMs) * (1 + Math.random() / 10);
    // After a failure the whole pause, though the wait be over: else it would ask a Redis that is away without one.
    await turn.bell.heard(hasFailed ? pauseMs : Math.min(pauseMs, leftMs));
    hasFailed = false;
    if (turn.loss !== null) return leaveTurn(deps, turn);
    try {
      const why = isGranted ? null : reasonToWithdraw(turn, performance.now() >= untilMs);
      if (why !== null) {
        const withdrawn = await withdrawTurn(deps, turn.ref, { ...why, ifIt: 'waits' });
        if (withdrawn !== 'running') {
          turn.lose(withdrawn === 'gone' ? 'gone' : 'fenced');
          return leaveTurn(deps, turn);
        }
        // It was granted by a look whose answer was lost; the next look hears so.
        isGranted = true;
      }
      const opened = await deps.queue.open(turn.ref);
      switch (opened.kind) {
        case 'granted':
          return await runGranted(deps, turn, opened.grant);
        case 'waiting':
          isGranted = false;
          turn.learnHashes(opened.idempotencyHashes);
          if (opened.staleTurnId !== null) {
            await deps.takeover.suspect(turn.ref.session, opened.staleTurnId);
          }
          if (opened.position !== position) {
            // Before it is told: a log that cannot be written must not have it told again each second.
            position = opened.position;
            if (position > 0) await tellPosition(deps, turn, position);
          }
          await stopIfUnread(deps, turn);
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
      [hasFailed, turn.troubleAtMs] = [true, performance.now()];
    }
  }
}

function reasonToWithdraw(turn: LiveTurn, isTimeOver: boolean): Omit<Withdrawal, 'ifIt'> | null {
  if (turn.stop !== null) return { outcome: 'cancelled', failure: null };
  return isTimeOver ? { outcome: 'failed', failure: failureOfCode('queue_timeout') } : null;
}

async function tellPosition(deps: TurnDeps, turn: LiveTurn, position: number): Promise<void> {
  const event = { type: 'queued', position } as const;
  await deps.store.append(turn.ref, deps.replicaId, turn.emit(event), [event], 0);
}

async function failHere(deps: TurnDeps, turn: LiveTurn, error: unknown): Promise<void> {
  const failure = failureFrom(error);
  const ending = { outcome: 'failed', failure, ifIt: 'any' } as const;
  await withdrawTurn(deps, turn.ref, ending).catch((cause: unknown) => {
    deps.observer.failed('end a turn', cause, turn.ref);
  });
  turn.emit({ type: 'error', ...failure });
  turn.feed.close('ended');
}
