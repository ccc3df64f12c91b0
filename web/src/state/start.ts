import { keep, rebalance } from './attend.ts';
import { loadConversation, loadNewest } from './conversations.ts';
import { isActive } from './live-turn.ts';
import { saveKey } from './memory.ts';
import { createPage, type Page } from './page.ts';
import { loadHealth, noteDown } from './reach.ts';
import { dropSession, loadList, loadSession, putSession } from './sessions.ts';
import type { News } from './tabs.ts';
import { joinTurn, retryTurn } from './turns.ts';

/** Begins the page: reads where it stands, loads what is there, and listens to browser and tabs. */
export function startPage(apiUrl: string): Page {
  const page = createPage(apiUrl, hearTab);
  const show = () => void viewFromAddress(page);
  addEventListener('hashchange', show);
  addEventListener('pagehide', () => keepAll(page));
  addEventListener('offline', () => noteDown(page));
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) keepAll(page);
    else void refreshView(page);
  });
  page.store.subscribe(whenBack(page));
  void loadHealth(page);
  void loadList(page);
  show();
  return page;
}

const ADDRESS = /^#\/c\/([A-Za-z0-9._:@~-]{1,128})$/;

async function viewFromAddress(page: Page): Promise<void> {
  const id = ADDRESS.exec(location.hash)?.[1] ?? null;
  page.store.update((state) => ({ ...state, viewedId: id, spoken: '' }));
  if (id !== null && page.store.state.conversations[id] === undefined) await loadConversation(page, id);
  rebalance(page);
}

/** Goes to a conversation; null: a new one. */
export function view(id: string | null): void {
  location.hash = id === null ? '#/' : `#/c/${id}`;
}

/** Asks the browser's own signal of a network that is back for another try of everything that waits. */
export function tryNow(): void {
  dispatchEvent(new Event('online'));
}

/** Takes a key and begins again with it; null forgets it. */
export function enterKey(page: Page, key: string | null): void {
  saveKey(key);
  page.store.update((state) => ({
    ...state,
    auth: key === null ? 'open' : 'keyed',
    sessions: [],
    nextCursor: null,
    conversations: key === null ? {} : state.conversations,
    drafts: key === null ? {} : state.drafts,
  }));
  void loadList(page);
  const id = page.store.state.viewedId;
  if (id !== null) void loadConversation(page, id).then(() => retryUnauthorized(page, id));
}

function retryUnauthorized(page: Page, id: string): void {
  for (const turn of page.store.state.conversations[id]?.turns ?? []) {
    if (turn.errorCode === 'unauthorized') retryTurn(page, id, turn.key);
  }
}

function hearTab(page: Page, news: News): void {
  if (news.type === 'session') putSession(page, news.session);
  else if (news.type === 'removed') dropSession(page, news.conversationId);
  else if (news.type === 'turn') {
    joinTurn(page, news.conversationId, news.turn);
    void loadSession(page, news.conversationId).catch(() => undefined);
  } else {
    const conversation = page.store.state.conversations[news.conversationId];
    if (conversation !== undefined && !conversation.turns.some(isActive))
      void loadNewest(page, conversation.id);
    void loadSession(page, news.conversationId).catch(() => undefined);
  }
}

/** Somebody else may have written meanwhile, on another device. */
async function refreshView(page: Page): Promise<void> {
  const id = page.store.state.viewedId;
  const conversation = page.store.state.conversations[id ?? ''];
  if (conversation?.status !== 'ready' || conversation.turns.some(isActive)) return;
  await loadNewest(page, conversation.id);
}

/** Goes on at once with all that waited while the API was out of reach, and loads again what failed. */
function whenBack(page: Page): () => void {
  let before = page.store.state.reach;
  return () => {
    const { reach, list, viewedId, conversations } = page.store.state;
    const isBack = before === 'down' && reach === 'up';
    before = reach;
    if (!isBack) return;
    // What waits for its own next try need not wait any longer.
    tryNow();
    if (list === 'failed') void loadList(page);
    if (viewedId !== null && conversations[viewedId]?.status === 'failed')
      void loadConversation(page, viewedId);
  };
}

function keepAll(page: Page): void {
  for (const { id, turns } of Object.values(page.store.state.conversations)) {
    for (const turn of turns) keep(page, id, turn.key);
  }
}
