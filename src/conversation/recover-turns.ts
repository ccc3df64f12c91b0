import { assertNever } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import { endSeized } from './end-seized.ts';
import { failureOfCode } from './failure.ts';
import { LiveTurn } from './live-turn.ts';
import type { TurnPlace, TurnRef } from './ports.ts';
import { runGranted } from './run-granted.ts';
import { waitForTurn } from './wait-turn.ts';

/** Turns looked at in one go; the rest waits for the next. */
const AT_ONCE = 100;

/** Looks once for turns whose replica died, and goes on with them here. Never throws. */
export async function recoverTurns(deps: TurnDeps): Promise<void> {
  try {
    const places = await deps.takeover.overdue(AT_ONCE);
    await Promise.all(places.map((place) => recover(deps, place)));
  } catch (error) {
    deps.observer.failed('look for turns of dead replicas', error);
  }
}

async function recover(deps: TurnDeps, place: TurnPlace): Promise<void> {
  // One of our own is overdue when its beats could not be written; they go on by themselves.
  if (deps.live.isDraining || deps.live.find(place) !== undefined) return;
  try {
    const stored = await deps.store.find(place.session, place.turnId);
    if (stored === null) return await deps.takeover.forget(place);
    await claim(deps, { ...place, idempotencyHash: stored.idempotencyHash });
  } catch (error) {
    deps.observer.failed('take a turn over', error, { ...place, idempotencyHash: null });
  }
}

async function claim(deps: TurnDeps, ref: TurnRef): Promise<void> {
  const turn = new LiveTurn(ref);
  const claimed = await deps.takeover.claim(ref, 'dead');
  switch (claimed.kind) {
    case 'granted':
      deps.live.add(turn);
      void runGranted(deps, turn, claimed.grant).finally(() => deps.live.remove(turn));
      return;
    case 'adopted':
      if (!claimed.isConfirmed) {
        const failure = failureOfCode('redis_unavailable');
        await deps.queue.withdraw(ref, { outcome: 'failed', failure, evenIfRunning: false });
        return;
      }
      deps.live.add(turn);
      void waitForTurn(deps, turn, 0, { runningTurnId: null, isStale: false }).finally(() =>
        deps.live.remove(turn),
      );
      return;
    case 'seized':
      return endSeized(deps, ref, claimed);
    case 'alive':
    case 'gone':
    case 'ended':
      return;
    default:
      assertNever(claimed);
  }
}
