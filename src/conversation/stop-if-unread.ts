import { performance } from 'node:perf_hooks';
import type { TurnDeps } from './deps.ts';
import type { LiveTurn } from './live-turn.ts';

const AFTER_TROUBLE_MS = 5000;

/**
 * With ON_DISCONNECT=cancel, stops a turn of this replica that nobody reads any more, here or elsewhere. Redis decides in
 * one step, so that a reader who comes meanwhile is either seen or sees the end. Never throws.
 */
export async function stopIfUnread(deps: TurnDeps, turn: LiveTurn): Promise<void> {
  if (deps.limits.onDisconnect !== 'cancel') return;
  const { feed } = turn;
  // Else whoever sent it has not begun to read yet.
  const wasRead = feed.hadReaders || turn.isTakenOver;
  // Readers elsewhere could not tell of themselves either.
  const isTroubled = performance.now() < turn.troubleAtMs + AFTER_TROUBLE_MS;
  if (!wasRead || isTroubled || feed.readerCount > 0 || feed.state !== 'open' || turn.stop !== null) return;
  try {
    const asked = await deps.store.stop(turn.ref, 'cancel', 'if-unread');
    if (asked === 'queued' || asked === 'asked') turn.askToStop('cancel');
  } catch (error) {
    // Asked again at the next beat, or look of one that waits.
    deps.observer.failed('stop a turn that nobody reads', error, turn.ref);
  }
}
