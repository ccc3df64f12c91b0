import { failureOfCode } from '../failures.ts';
import type { LiveTurn } from '../live/live-turn.ts';
import type { Uses } from '../ports/core.ts';

/**
 * Leaves a turn that is no longer this replica's. Its readers here continue from the log, which has its end or goes on
 * from elsewhere; a turn that is given up because this replica shuts down is released, so that another takes it at
 * once. Never throws.
 *
 * @param lockValue  the value with which this replica holds the lock; null when it does not
 */
export async function leaveTurn(
  { takeover, observer }: Uses<'takeover' | 'observer'>,
  turn: LiveTurn,
  lockValue: string | null = null,
): Promise<void> {
  switch (turn.loss) {
    case 'gone':
      turn.emit({ type: 'error', ...failureOfCode('session_deleted') });
      turn.feed.close('ended');
      return;
    case 'draining':
      await takeover.release(turn.ref, lockValue).catch((error: unknown) => {
        // It is then taken over when its lease has expired.
        observer.failed('turn_release', error, turn.ref);
      });
      turn.feed.close('draining');
      return;
    default:
      turn.feed.close('moved');
  }
}
