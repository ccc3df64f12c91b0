import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertNever, TurnwiseError } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import { failureFrom, failureOfCode } from './failure.ts';
import type { LiveTurn } from './live-turn.ts';
import type { Ahead, Lease, OpenGrant, Withdrawal } from './ports.ts';
import { runTurn } from './run-turn.ts';

/** A waiting turn looks by itself this often, in case its wake-up was lost; also how often it tells its position. */
const LOOK_EVERY_MS = 1000;

const LOCK_RETRY_MS = 50;

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
  let [position, waitMs] = [firstPosition, firstAhead.runningTurnId === null ? LOCK_RETRY_MS : lookEveryMs];
  for (;;) {
    await turn.bell.heard(Math.min(waitMs + Math.random() * 100, Math.max(0, untilMs - performance.now())));
    if (turn.loss !== null) return leave(deps, turn);
    try {
      if (turn.stop !== null) return await withdraw(deps, turn, { outcome: 'cancelled', failure: null });
      if (performance.now() >= untilMs) {
        return await withdraw(deps, turn, { outcome: 'failed', failure: failureOfCode('queue_timeout') });
      }
      const opened = await deps.queue.open(turn.ref);
      switch (opened.kind) {
        case 'granted':
          return await run(deps, turn, opened.grant);
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
          return leave(deps, turn);
        case 'taken':
        case 'ended':
          turn.lose('fenced');
          return leave(deps, turn);
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

async function run(deps: TurnDeps, turn: LiveTurn, grant: OpenGrant): Promise<void> {
  const heldSinceMs = performance.now();
  const lease = await takeLock(deps, turn, grant);
  if (lease !== null) return runTurn(deps, { turn, grant, lease, heldSinceMs });
  turn.lose('fenced');
  return leave(deps, turn);
}

/**
 * Takes the lock of a granted turn. Somebody who lost the grant may still hold it, until the rest of its time.
 *
 * @returns null when the turn was lost meanwhile
 */
export async function takeLock(deps: TurnDeps, turn: LiveTurn, grant: OpenGrant): Promise<Lease | null> {
  for (;;) {
    try {
      const lease = await deps.lock.acquire(turn.ref.session);
      if (lease !== null) return lease;
      const beat = await deps.store.beat(turn.ref, grant.fence);
      if (beat.kind !== 'ok') return null;
    } catch (error) {
      deps.observer.failed('take the lock', error, turn.ref);
    }
    if (turn.loss !== null) return null;
    await sleep(LOCK_RETRY_MS);
  }
}

async function withdraw(
  deps: TurnDeps,
  turn: LiveTurn,
  ending: Omit<Withdrawal, 'evenIfRunning'>,
): Promise<void> {
  const withdrawn = await deps.queue.withdraw(turn.ref, { ...ending, evenIfRunning: false });
  // Granted in the same moment by its own look: that look goes on with it.
  if (withdrawn.kind !== 'running') turn.lose(withdrawn.kind === 'gone' ? 'gone' : 'fenced');
  return leave(deps, turn);
}

/** Readers here go on in the log, which has the end of the turn or the news of who has it. */
async function leave(deps: TurnDeps, turn: LiveTurn): Promise<void> {
  switch (turn.loss) {
    case 'gone':
      turn.emit({ type: 'error', ...failureOfCode('session_deleted') });
      turn.feed.close('ended');
      return;
    case 'draining':
      await deps.takeover.release(turn.ref, null).catch((error: unknown) => {
        deps.observer.failed('hand a turn over', error, turn.ref);
      });
      turn.feed.close('draining');
      return;
    default:
      turn.feed.close('moved');
  }
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
