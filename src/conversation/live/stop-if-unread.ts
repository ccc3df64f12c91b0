import { performance } from 'node:perf_hooks';
import type { Uses } from '../ports/core.ts';
import type { LiveTurn } from './live-turn.ts';

const AFTER_TROUBLE_MS = 5000;

/**
 * Stops a turn of this replica that has no reader left, here or elsewhere, if it is to be cancelled then. Redis decides
 * in one step, so a reader that comes meanwhile is either counted or sees the end. Never throws.
 */
export async function stopIfUnread(
  { store, observer }: Uses<'store' | 'observer'>,
  turn: LiveTurn,
): Promise<void> {
  if (turn.onDisconnect !== 'cancel') return;
  const { feed } = turn;
  // Otherwise its caller has not begun to read yet.
  const wasRead = feed.hadReaders || turn.isTakenOver;
  // While Redis failed, readers elsewhere could not report themselves either.
  const isTroubled = performance.now() < turn.troubleAtMs + AFTER_TROUBLE_MS;
  if (!wasRead || isTroubled || feed.readerCount > 0 || feed.state !== 'open' || turn.stop !== null) return;
  try {
    const asked = await store.stop(turn.ref, 'cancel', 'if-unread');
    if (asked === 'queued' || asked === 'asked') turn.askToStop('cancel');
  } catch (error) {
    // Retried at the next beat, or at the next poll of a waiting turn.
    observer.failed('unread_stop', error, turn.ref);
  }
}
