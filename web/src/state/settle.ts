import { ApiError } from '../client/errors.ts';
import { backoffMs, pause } from '../client/pause.ts';
import type { MessagePage } from '../client/shapes.ts';
import { spokenAnswer } from './announce.ts';
import { type Conversation, findTurn, withConversation, withTurn } from './app-state.ts';
import { setDraft } from './drafts.ts';
import { withNewest } from './history.ts';
import { failed, type LiveTurn } from './live-turn.ts';
import { forgetTurns, saveTurn } from './memory.ts';
import type { Page } from './page.ts';
import { heard } from './reach.ts';
import { dropSession, loadSession } from './sessions.ts';

/** Codes after which the server knows nothing of a turn; its history may know more. */
const UNKNOWN_TURN = new Set(['turn_not_found', 'session_not_found', 'session_deleted']);

/** A turn ended: what the history has of it takes its place on the page. */
export async function settle(page: Page, conversationId: string, key: string): Promise<void> {
  const turn = findTurn(page.store.state, conversationId, key);
  if (turn === undefined) return;
  spokenAnswer(page, conversationId, key);
  if (turn.phase === 'failed' && !UNKNOWN_TURN.has(turn.errorCode ?? '')) {
    saveTurn(conversationId, turn);
  } else {
    forgetTurns((saved) => saved.turn.key === key);
    await takeFromHistory(page, conversationId, turn);
  }
  await loadSession(page, conversationId).catch(() => undefined);
  page.tabs.tell({ type: 'settled', conversationId });
}

async function takeFromHistory(page: Page, conversationId: string, turn: LiveTurn): Promise<void> {
  const found = await newestOf(page, conversationId);
  if (found === 'gone') dropSession(page, conversationId);
  if (found === 'gone' || found === 'unknown') return;
  const isThere = found.messages.some((message) => message.turn_id === turn.turnId);
  page.store.update((state) =>
    withConversation(state, conversationId, (conversation) => {
      const fresh = withNewest(conversation, found);
      const isLost = !isThere && turn.phase !== 'cancelled';
      return isLost
        ? withTurn(fresh, turn.key, (lost) => failed(lost, 'turn_not_found', true))
        : without(fresh, turn);
    }),
  );
  // Stopped before a word of it was said: the words go back to whoever wrote them.
  if (!isThere && turn.phase === 'cancelled' && turn.isMine) giveBack(page, conversationId, turn);
}

function without(conversation: Conversation, turn: LiveTurn): Conversation {
  const turns = conversation.turns.filter((other) => other.key !== turn.key);
  if (turn.turnId === null) return { ...conversation, turns };
  const tokensOf =
    turn.tokens === null ? conversation.tokensOf : { ...conversation.tokensOf, [turn.turnId]: turn.tokens };
  const thoughtsOf =
    turn.thoughts === ''
      ? conversation.thoughtsOf
      : { ...conversation.thoughtsOf, [turn.turnId]: turn.thoughts };
  const keyOf = { ...conversation.keyOf, [turn.turnId]: turn.key };
  return { ...conversation, turns, tokensOf, thoughtsOf, keyOf };
}

function giveBack(page: Page, conversationId: string, turn: LiveTurn): void {
  const draft = page.store.state.drafts[conversationId] ?? '';
  if (draft.trim() === '') setDraft(page, conversationId, turn.said.join('\n\n'));
}

/** Asks for the newest messages until there is an answer. @returns unknown: the server will not tell */
async function newestOf(page: Page, conversationId: string): Promise<MessagePage | 'gone' | 'unknown'> {
  const never = new AbortController().signal;
  for (let tries = 1; ; tries += 1) {
    try {
      return await heard(page, page.client.messages(conversationId, null));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'session_not_found') return 'gone';
      if (!error.isPassing) return 'unknown';
      await pause(backoffMs(tries), never);
    }
  }
}
