import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TurnDeps } from './deps.ts';
import { leaveTurn } from './leave-turn.ts';
import type { LiveTurn } from './live-turn.ts';
import type { Lease, OpenGrant } from './ports.ts';
import { runTurn } from './run-turn.ts';

const RETRY_MS = 50;

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

/** Runs a turn that was granted to this replica, once it has the lock as well. Never throws. */
export async function runGranted(
  deps: TurnDeps,
  turn: LiveTurn,
  grant: OpenGrant,
  asked: AskedLock = askForLock(deps, turn),
): Promise<void> {
  const held = await takeLock(deps, turn, grant, asked);
  if (held !== null) return runTurn(deps, { turn, grant, ...held });
  turn.lose('fenced');
  return leaveTurn(deps, turn);
}

/**
 * Takes the lock of a granted turn. Who ran before may still hold it, or an own request whose reply was lost; the
 * fence says that nobody else may, so it is freed and not waited for.
 *
 * @returns null when the turn was lost meanwhile
 */
async function takeLock(
  deps: TurnDeps,
  turn: LiveTurn,
  grant: OpenGrant,
  first: AskedLock,
): Promise<{ readonly lease: Lease; readonly heldSinceMs: number } | null> {
  for (let asked = first; turn.loss === null; asked = askForLock(deps, turn)) {
    try {
      const lease = await asked.answer;
      if (lease !== null) return { lease, heldSinceMs: asked.sinceMs };
      if ((await deps.store.freeLock(turn.ref, grant.fence)) === 'fenced') return null;
    } catch (error) {
      deps.observer.failed('take the lock', error, turn.ref);
      await sleep(RETRY_MS);
    }
  }
  return null;
}
