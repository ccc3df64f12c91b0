import { isActive, type LiveTurn } from '../state/live-turn.ts';
import type { Words } from '../words/en.ts';

/** Where a conversation stands, in a word or two; null: nothing is under way. */
export function standingOf(turns: readonly LiveTurn[], words: Words): string | null {
  const turn = turns.find(({ phase }) => phase === 'running') ?? turns.find(isActive);
  if (turn === undefined) return null;
  if (turn.phase === 'running') return words.answering;
  if (turn.phase === 'queued') return placeOf(turn, words);
  return turn.retryAtMs === null ? words.sending : words.notSent;
}

/** How long the queue before a waiting turn is. */
export function placeOf(turn: LiveTurn, words: Words): string {
  return turn.position === null || turn.position === 0 ? words.nextUp : words.ahead(turn.position);
}
