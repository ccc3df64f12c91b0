import { ApiError } from '../client/errors.ts';
import { findTurn, withConversation, withTurn } from './app-state.ts';
import { setDraft } from './drafts.ts';
import { isActive, type LiveTurn } from './live-turn.ts';
import { forgetTurns } from './memory.ts';
import type { Page } from './page.ts';
import { heard } from './reach.ts';

/** Stops a turn that runs or waits; its stream tells the end. One not sent yet is taken back. */
export async function stopTurn(page: Page, id: string, key: string): Promise<void> {
  const turn = findTurn(page.store.state, id, key);
  if (turn === undefined || !isActive(turn)) return;
  const isHere = turn.retryAtMs !== null || !page.attended.has(key);
  if (turn.turnId === null && isHere) takeBack(page, id, turn);
  else if (!turn.isStopping) {
    markStopping(page, id, key, true);
    await stopOnServer(page, id, key);
  }
}

/** Asks the server to cancel; a turn it has not taken in yet is cancelled when it has. */
export async function stopOnServer(page: Page, id: string, key: string): Promise<void> {
  const turnId = findTurn(page.store.state, id, key)?.turnId;
  if (typeof turnId !== 'string') return;
  try {
    await heard(page, page.client.cancel(id, turnId));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    markStopping(page, id, key, false);
  }
}

/** Stops what is being answered. */
export function stopAnswer(page: Page, id: string): void {
  const turn = page.store.state.conversations[id]?.turns.find(isActive);
  if (turn !== undefined) void stopTurn(page, id, turn.key);
}

/** Puts what was said back into the box. */
export function takeBack(page: Page, id: string, turn: LiveTurn): void {
  dismissTurn(page, id, turn.key);
  setDraft(page, id, turn.said.join('\n\n'));
}

export function dismissTurn(page: Page, id: string, key: string): void {
  forgetTurns((saved) => saved.turn.key === key);
  page.store.update((state) =>
    withConversation(state, id, (conversation) => ({
      ...conversation,
      turns: conversation.turns.filter((turn) => turn.key !== key),
    })),
  );
  page.attended.get(key)?.abort();
}

function markStopping(page: Page, id: string, key: string, isStopping: boolean): void {
  page.store.update((state) =>
    withConversation(state, id, (now) => withTurn(now, key, (turn) => ({ ...turn, isStopping }))),
  );
}
