import { WORDS } from '../words/words.ts';
import { findTurn } from './app-state.ts';
import type { Page } from './page.ts';

const LONGEST_SPOKEN = 4000;

/** Tells screen readers that an answer began, ended or failed; never its single words. */
export function spokenAnswer(page: Page, conversationId: string, key: string): void {
  const { state } = page.store;
  const turn = findTurn(state, conversationId, key);
  if (turn === undefined || state.viewedId !== conversationId) return;
  const words = WORDS[state.language];
  const spoken = {
    sending: '',
    queued: '',
    running: turn.hasRestarted ? words.startsAgain : words.answering,
    completed: `${words.answerSaid} ${turn.text.slice(0, LONGEST_SPOKEN)}`,
    cancelled: words.stopped,
    failed: words.errors[turn.errorCode ?? 'internal'] ?? words.errors.internal,
  }[turn.phase];
  if (spoken !== undefined) page.store.update((now) => ({ ...now, spoken }));
}
