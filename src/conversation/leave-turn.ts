import type { TurnDeps } from './deps.ts';
import { failureOfCode } from './failure.ts';
import type { LiveTurn } from './live-turn.ts';

/**
 * A turn is not this replica's any more. Its readers here go on in the log, which has its end or the news of who has
 * it; one that is given up because this replica leaves is released, so that another has it at once.
 *
 * @param lockValue  what this replica holds the lock by; null: it does not
 */
export async function leaveTurn(
  deps: TurnDeps,
  turn: LiveTurn,
  lockValue: string | null = null,
): Promise<void> {
  switch (turn.loss) {
    case 'gone':
      turn.emit({ type: 'error', ...failureOfCode('session_deleted') });
      turn.feed.close('ended');
      return;
    case 'draining':
      await deps.takeover.release(turn.ref, lockValue).catch((error: unknown) => {
        // Then it is taken over when its lease is over.
        deps.observer.failed('hand a turn over', error, turn.ref);
      });
      turn.feed.close('draining');
      return;
    default:
      turn.feed.close('moved');
  }
}
