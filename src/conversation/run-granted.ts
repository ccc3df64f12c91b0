import { performance } from 'node:perf_hooks';
import type { TurnDeps } from './deps.ts';
import { leaveTurn } from './leave-turn.ts';
import type { LiveTurn } from './live-turn.ts';
import type { Lease, OpenGrant } from './ports.ts';
import { runTurn } from './run-turn.ts';

/** The lock, asked for: null when another holds it. */
export interface AskedLock {
  /** By the monotonic clock. */
  readonly sinceMs: number;
  readonly answer: Promise<Lease | null>;
}

export function askForLock(deps: TurnDeps, turn: LiveTurn): AskedLock {
  const sinceMs = performance.now();
  const answer = deps.lock.acquire(turn.ref.session);
  // Awaited later, when the turn is taken in.
  answer.catch(() => {});
  return { sinceMs, answer };
}

/** Runs a turn that was granted to this replica, with the lock if it can be had. Never throws. */
export async function runGranted(
  deps: TurnDeps,
  turn: LiveTurn,
  grant: OpenGrant,
  asked: AskedLock = askForLock(deps, turn),
): Promise<void> {
  turn.learnHashes(grant.idempotencyHashes);
  const lease = await takeLock(deps, turn, grant, asked);
  if (turn.loss === null) return runTurn(deps, { turn, grant, lease, heldSinceMs: asked.sinceMs });
  await lease?.release();
  return leaveTurn(deps, turn);
}

/**
 * Takes the lock of a granted turn. Who ran before may still hold it, or an own request whose reply was lost; the
 * fence says that nobody else may, so it is freed and not waited for.
 *
 * @returns null when it cannot be had now; the keeper of the lease goes on trying
 */
async function takeLock(
  deps: TurnDeps,
  turn: LiveTurn,
  grant: OpenGrant,
  asked: AskedLock,
): Promise<Lease | null> {
  try {
    const lease = await asked.answer;
    if (lease !== null || turn.loss !== null) return lease;
    if ((await deps.store.freeLock(turn.ref, grant.fence)) === 'fenced') {
      turn.lose('fenced');
      return null;
    }
    return await deps.lock.acquire(turn.ref.session);
  } catch (error) {
    deps.observer.failed('take the lock', error, turn.ref);
    return null;
  }
}
