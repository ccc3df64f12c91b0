import { ApiError } from '../client/errors.ts';
import { type Conversation, emptyConversation, withConversation } from './app-state.ts';
import { withNewest, withOlder } from './history.ts';
import { afterReload } from './live-turn.ts';
import { forgetTurns, hasUnsent, savedTurns } from './memory.ts';
import type { Page } from './page.ts';
import { heard } from './reach.ts';
import { dropSession, loadSession } from './sessions.ts';

const PAGE_MESSAGES = 100;

/** Loads a conversation with its newest messages and the turns that this browser knows to be under way. */
export async function loadConversation(page: Page, id: string): Promise<void> {
  page.store.update((state) => {
    const turns = savedTurns().filter((saved) => saved.conversationId === id);
    const fresh = {
      ...emptyConversation(id, 'loading'),
      turns: turns.map((saved) => afterReload(saved.turn)),
    };
    const conversation = state.conversations[id] ?? fresh;
    return {
      ...state,
      conversations: { ...state.conversations, [id]: { ...conversation, status: 'loading' } },
    };
  });
  await loadNewest(page, id);
  if (page.store.state.conversations[id]?.status === 'ready')
    await loadSession(page, id).catch(() => undefined);
}

/** Reads the newest messages again; the conversation says when that failed. */
export async function loadNewest(page: Page, id: string): Promise<void> {
  try {
    const found = await heard(page, page.client.messages(id, null, PAGE_MESSAGES));
    change(page, id, (conversation) => withNewest(conversation, found));
    const stored = new Set(found.messages.map((message) => message.turn_id));
    forgetTurns(({ turn }) => turn.phase === 'failed' && stored.has(turn.turnId ?? ''));
  } catch (error) {
    const code = error instanceof ApiError ? error.code : 'internal';
    if (code === 'session_not_found') lose(page, id);
    else
      change(page, id, (now) =>
        now.status === 'ready' ? now : { ...now, status: 'failed', errorCode: code },
      );
  }
}

export async function loadOlder(page: Page, id: string): Promise<void> {
  const conversation = page.store.state.conversations[id];
  const first = conversation?.messages[0];
  if (!conversation?.hasOlder || conversation.isLoadingOlder || first === undefined) return;
  change(page, id, (now) => ({ ...now, isLoadingOlder: true }));
  try {
    const found = await heard(page, page.client.messages(id, first.id, PAGE_MESSAGES));
    change(page, id, (now) => (now.messages[0] === first ? withOlder(now, found) : now));
  } catch {
    // Asked again at the next scroll.
  }
  change(page, id, (now) => (now.isLoadingOlder ? { ...now, isLoadingOlder: false } : now));
}

/** The server does not know it. One whose first message is still on its way is new, not gone. */
function lose(page: Page, id: string): void {
  if (hasUnsent(id)) change(page, id, (conversation) => ({ ...conversation, status: 'ready' }));
  else dropSession(page, id);
}

function change(page: Page, id: string, how: (conversation: Conversation) => Conversation): void {
  page.store.update((state) => withConversation(state, id, how));
}
