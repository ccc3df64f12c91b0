import { ApiError } from '../client/errors.ts';
import type { Session } from '../client/shapes.ts';
import { withConversation } from './app-state.ts';
import { forgetSession, forgetTurns, hasUnsent, knownSessions, rememberSession } from './memory.ts';
import type { Page } from './page.ts';
import { heard } from './reach.ts';

/** Requests at a time: a browser opens six connections to one server, and streams need some of them. */
const BATCH = 3;

/** Loads the side list: a key's own sessions, or else those that this browser made. */
export async function loadList(page: Page): Promise<void> {
  page.store.update((state) => ({ ...state, list: 'loading' }));
  try {
    if (page.store.state.auth === 'keyed') await loadOwned(page, null);
    else await loadKnown(page);
    page.store.update((state) => ({ ...state, list: 'ready' }));
  } catch {
    page.store.update((state) => ({ ...state, list: 'failed' }));
  }
}

/** The next page of a long list; there is none without a key. */
export async function loadMore(page: Page): Promise<void> {
  const cursor = page.store.state.nextCursor;
  if (cursor === null || page.store.state.list === 'loading') return;
  page.store.update((state) => ({ ...state, list: 'loading' }));
  await loadOwned(page, cursor).catch(() => undefined);
  page.store.update((state) => ({ ...state, list: 'ready' }));
}

async function loadOwned(page: Page, cursor: string | null): Promise<void> {
  const found = await heard(page, page.client.sessions(cursor));
  page.store.update((state) => ({
    ...state,
    sessions: inOrder([...(cursor === null ? [] : state.sessions), ...found.sessions]),
    nextCursor: found.next_cursor,
  }));
}

async function loadKnown(page: Page): Promise<void> {
  const known = knownSessions();
  for (let at = 0; at < known.length; at += BATCH) {
    await Promise.all(known.slice(at, at + BATCH).map((session) => loadSession(page, session.session_id)));
  }
}

/** Reads one session anew. @returns false when it is not there any more */
export async function loadSession(page: Page, id: string): Promise<boolean> {
  try {
    putSession(page, await heard(page, page.client.session(id)));
    return true;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'session_not_found') throw error;
    if (!hasUnsent(id)) dropSession(page, id);
    return false;
  }
}

export function putSession(page: Page, session: Session): void {
  page.store.update((state) => {
    const others = state.sessions.filter((other) => other.session_id !== session.session_id);
    return { ...state, sessions: inOrder([session, ...others]) };
  });
  if (page.store.state.auth === 'open') rememberSession(session);
}

/** Takes a session out of the list; one that is on view says that it is gone. */
export function dropSession(page: Page, id: string): void {
  page.store.update((state) => ({
    ...withConversation(state, id, (conversation) => ({ ...conversation, status: 'gone', hasOlder: false })),
    sessions: state.sessions.filter((session) => session.session_id !== id),
  }));
  forgetTurns((saved) => saved.conversationId === id);
  forgetSession(id);
}

/** @throws ApiError */
export async function renameSession(page: Page, id: string, title: string): Promise<void> {
  const session = await heard(page, page.client.rename(id, title));
  putSession(page, session);
  page.tabs.tell({ type: 'session', session });
}

/** @throws ApiError; one that is gone already is no error */
export async function removeSession(page: Page, id: string): Promise<void> {
  try {
    await heard(page, page.client.remove(id));
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'session_not_found') throw error;
  }
  dropSession(page, id);
  page.tabs.tell({ type: 'removed', conversationId: id });
}

function inOrder(sessions: Session[]): Session[] {
  return sessions.sort((a, b) => b.last_accessed.localeCompare(a.last_accessed));
}
