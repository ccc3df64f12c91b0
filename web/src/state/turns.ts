import type { OnBusy, Session } from '../client/shapes.ts';
import { emptyConversation, findTurn, withConversation, withTurn } from './app-state.ts';
import { rebalance } from './attend.ts';
import { setDraft } from './drafts.ts';
import { type LiveTurn, newTurn } from './live-turn.ts';
import { forgetTurns, saveTurn } from './memory.ts';
import { newId } from './new-id.ts';
import type { Page } from './page.ts';
import { putSession } from './sessions.ts';

/** Says something in a conversation, or in a new one. @returns the conversation's id */
export function sayIn(page: Page, viewedId: string | null, text: string, onBusy: OnBusy): string {
  const id = viewedId ?? newId();
  const turn = newTurn(newId(), text, onBusy);
  page.store.update((state) => {
    const conversation = state.conversations[id] ?? emptyConversation(id, 'ready');
    const added = { ...conversation, turns: inPlace(conversation.turns, turn) };
    return { ...state, spoken: '', conversations: { ...state.conversations, [id]: added } };
  });
  saveTurn(id, turn);
  setDraft(page, viewedId ?? '', '');
  if (!page.store.state.sessions.some((session) => session.session_id === id))
    putSession(page, unseen(id, text));
  rebalance(page);
  return id;
}

/** An interrupting message is answered before those that wait. */
function inPlace(turns: readonly LiveTurn[], turn: LiveTurn): LiveTurn[] {
  if (turn.onBusy !== 'interrupt') return [...turns, turn];
  const next = turns.findIndex((other) => other.phase === 'queued' || other.phase === 'sending');
  return next === -1 ? [...turns, turn] : turns.toSpliced(next, 0, turn);
}

/** What the list shows until the server has told more. */
function unseen(id: string, text: string): Session {
  const now = new Date().toISOString();
  const title = Array.from(text).slice(0, 80).join('');
  return { session_id: id, title, created_at: now, last_accessed: now, expires_at: '', message_count: 0 };
}

/** Says it again: with the same key when the server may still know it, so that it is never answered twice. */
export function retryTurn(page: Page, id: string, key: string): void {
  const turn = findTurn(page.store.state, id, key);
  if (turn === undefined) return;
  const isSame = turn.isRetryable && turn.said.length === 1 && turn.errorCode !== 'turn_not_found';
  const again = newTurn(isSame ? key : newId(), turn.said.join('\n\n'), turn.onBusy);
  forgetTurns((saved) => saved.turn.key === key);
  saveTurn(id, again);
  page.store.update((state) => withConversation(state, id, (now) => withTurn(now, key, () => again)));
  rebalance(page);
}

/** A turn that another tab began, or that another message joined. */
export function joinTurn(page: Page, id: string, turn: LiveTurn): void {
  page.store.update((state) =>
    withConversation(state, id, (conversation) => {
      const same = conversation.turns.find((other) => other.turnId === turn.turnId);
      if (same === undefined) {
        return { ...conversation, turns: inPlace(conversation.turns, { ...turn, isMine: false }) };
      }
      const said = turn.said.length > same.said.length ? turn.said : same.said;
      return withTurn(conversation, same.key, (now) => ({ ...now, said }));
    }),
  );
  rebalance(page);
}
