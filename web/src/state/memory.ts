import type { Session } from '../client/shapes.ts';
import { type LiveTurn, NOTHING_HEARD } from './live-turn.ts';

/** What the browser keeps of this page. Everything else is the server's to remember. */

const KEY = 'turnwise.key';
const KNOWN = 'turnwise.conversations';
const TURNS = 'turnwise.turns';
const DRAFTS = 'turnwise.drafts';
const MOST_KNOWN = 500;
/** A longer answer is read again from its start. */
const LONGEST_SAVED_TEXT = 200_000;

export interface SavedTurn {
  readonly conversationId: string;
  readonly turn: LiveTurn;
}

// A browser may refuse storage altogether; then the page forgets, and works all the same.
function read<T>(storage: Storage, name: string, otherwise: T): T {
  try {
    return JSON.parse(storage.getItem(name) ?? 'null') ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(storage: Storage, name: string, value: unknown): void {
  try {
    if (value === null) storage.removeItem(name);
    else storage.setItem(name, JSON.stringify(value));
  } catch {
    // Full or refused.
  }
}

/** A key's owner leaves nothing behind on a shared machine when the tab is closed. */
function shelf(): Storage {
  return savedKey() === null ? localStorage : sessionStorage;
}

export function savedKey(): string | null {
  return read<string | null>(sessionStorage, KEY, null);
}

/** With a key, what was kept moves from the browser to the tab; without one any more, the tab forgets it. */
export function saveKey(key: string | null): void {
  const turns = key === null ? [] : savedTurns();
  write(sessionStorage, KEY, key);
  write(sessionStorage, TURNS, turns);
  if (key === null) write(sessionStorage, DRAFTS, null);
  else for (const name of [TURNS, KNOWN]) write(localStorage, name, null);
}

/** Conversations that this browser made, as they were when last seen. */
export function knownSessions(): Session[] {
  return read<Session[]>(localStorage, KNOWN, []);
}

/** Adds or replaces one, and leaves the others as other tabs may just have written them. */
export function rememberSession(session: Session): void {
  const others = knownSessions().filter((other) => other.session_id !== session.session_id);
  write(localStorage, KNOWN, [session, ...others].slice(0, MOST_KNOWN));
}

export function forgetSession(id: string): void {
  const others = knownSessions().filter((other) => other.session_id !== id);
  write(localStorage, KNOWN, others);
}

export function savedTurns(): SavedTurn[] {
  return read<SavedTurn[]>(shelf(), TURNS, []);
}

/** Replaces what is kept of one turn; other tabs keep theirs in the same place. */
export function saveTurn(conversationId: string, turn: LiveTurn): void {
  const isLong = turn.text.length + turn.thoughts.length > LONGEST_SAVED_TEXT;
  const saved = isLong ? { ...turn, ...NOTHING_HEARD } : turn;
  write(shelf(), TURNS, [
    ...savedTurns().filter((other) => other.turn.key !== turn.key),
    { conversationId, turn: saved },
  ]);
}

/** Whether something said there has not reached the server yet: then the server's not knowing it means nothing. */
export function hasUnsent(conversationId: string): boolean {
  return savedTurns().some((saved) => saved.conversationId === conversationId && saved.turn.turnId === null);
}

export function forgetTurns(isForgotten: (saved: SavedTurn) => boolean): void {
  const before = savedTurns();
  const after = before.filter((saved) => !isForgotten(saved));
  if (after.length !== before.length) write(shelf(), TURNS, after);
}

export function savedDrafts(): Record<string, string> {
  return read<Record<string, string>>(sessionStorage, DRAFTS, {});
}

export function saveDrafts(drafts: Readonly<Record<string, string>>): void {
  write(sessionStorage, DRAFTS, drafts);
}

export function savedChoice(name: 'language' | 'theme'): string | null {
  return read<string | null>(localStorage, `turnwise.${name}`, null);
}

export function saveChoice(name: 'language' | 'theme', value: string): void {
  write(localStorage, `turnwise.${name}`, value);
}
