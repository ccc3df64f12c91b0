import type { Health, Message, Session } from '../client/shapes.ts';
import type { Language } from '../words/words.ts';
import type { LiveTurn } from './live-turn.ts';

export interface Conversation {
  readonly id: string;
  /** `gone`: deleted, expired or never there. */
  readonly status: 'loading' | 'ready' | 'gone' | 'failed';
  readonly errorCode: string | null;
  /** Committed, oldest first. */
  readonly messages: readonly Message[];
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  /** Not yet in the history, in the order in which they were said. */
  readonly turns: readonly LiveTurn[];
  /** Tokens of turns that ended while this page looked on, by turn id. */
  readonly tokensOf: Readonly<Record<string, number>>;
  /** What the model thought aloud in them, which the history may not keep, by turn id. */
  readonly thoughtsOf: Readonly<Record<string, string>>;
  /** What a turn was called before it was history, so that its element on the page stays the same. */
  readonly keyOf: Readonly<Record<string, string>>;
}

export type Theme = 'auto' | 'light' | 'dark';

export interface AppState {
  readonly language: Language;
  readonly theme: Theme;
  readonly health: Health | null;
  /** `down`: requests do not reach the API; asked again by itself. */
  readonly reach: 'unknown' | 'up' | 'down';
  /** `needed`: the API wants a key and this page has none that it takes. */
  readonly auth: 'open' | 'needed' | 'keyed';
  /** Newest access first. */
  readonly sessions: readonly Session[];
  readonly nextCursor: string | null;
  readonly list: 'loading' | 'ready' | 'failed';
  /** Null: a new conversation, which has no id before its first message. */
  readonly viewedId: string | null;
  readonly conversations: Readonly<Record<string, Conversation>>;
  /** What stands in the box, by conversation; '' is the new one. */
  readonly drafts: Readonly<Record<string, string>>;
  /** What screen readers are told. */
  readonly spoken: string;
}

export function emptyConversation(id: string, status: Conversation['status']): Conversation {
  return {
    id,
    status,
    errorCode: null,
    messages: [],
    hasOlder: false,
    isLoadingOlder: false,
    turns: [],
    tokensOf: {},
    thoughtsOf: {},
    keyOf: {},
  };
}

export function withConversation(
  state: AppState,
  id: string,
  change: (conversation: Conversation) => Conversation,
): AppState {
  const before = state.conversations[id];
  if (before === undefined) return state;
  const after = change(before);
  return after === before ? state : { ...state, conversations: { ...state.conversations, [id]: after } };
}

export function withTurn(
  conversation: Conversation,
  key: string,
  change: (turn: LiveTurn) => LiveTurn,
): Conversation {
  const at = conversation.turns.findIndex((turn) => turn.key === key);
  const before = conversation.turns[at];
  if (before === undefined) return conversation;
  return { ...conversation, turns: conversation.turns.with(at, change(before)) };
}

export function findTurn(state: AppState, id: string, key: string): LiveTurn | undefined {
  return state.conversations[id]?.turns.find((turn) => turn.key === key);
}
