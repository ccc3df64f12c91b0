/** A conversation and where it belongs: the caller's id within its owner's sessions. */
export interface SessionRef {
  /** The caller's name as it stands in keys; `-` while anybody may call. */
  readonly owner: string;
  readonly conversationId: string;
}

export const ANONYMOUS_OWNER = '-';

export type Role = 'user' | 'assistant' | 'tool';

/** One stored item of a history. */
export interface Message {
  /** Names its place in the history; opaque to callers. */
  readonly id: string;
  readonly turnId: string;
  /** The fence that it was committed with; tells two commits of one place apart. */
  readonly fence: string;
  readonly role: Role;
  readonly content: string;
  readonly createdAtMs: number;
  /** The answer was stopped before its end. */
  readonly truncated: boolean;
}

/** What is known of a session without reading its history. Times in ms since 1970. */
export interface SessionSummary {
  readonly conversationId: string;
  readonly title: string;
  readonly createdAtMs: number;
  readonly lastAccessedMs: number;
  readonly expiresAtMs: number;
  readonly messageCount: number;
}

/** A stretch of committed history and where it stands in the whole. */
export interface History {
  /** Changes when the session is made anew, so that nothing read of the old one is used for the new. */
  readonly epoch: string;
  /** Place of `messages[0]` in the whole history, dropped messages counted. */
  readonly from: number;
  readonly messages: readonly Message[];
  /** Messages that the session has ever stored, dropped ones included. */
  readonly messageCount: number;
  /** Oldest messages that are stored no longer. */
  readonly dropped: number;
}

export const CONVERSATION_ID = /^[A-Za-z0-9._:@~-]{1,128}$/;

/** 1 to 128 of `A-Z a-z 0-9 . _ : @ ~ -`, but not `.` or `..`, which paths would swallow. */
export function isConversationId(text: string): boolean {
  return CONVERSATION_ID.test(text) && text !== '.' && text !== '..';
}

const TITLE_CHARACTERS = 80;

/** The first characters of the first message; a pair of surrogates counts as one and is never split. */
export function titleFrom(message: string): string {
  return Array.from(message.slice(0, TITLE_CHARACTERS * 2))
    .slice(0, TITLE_CHARACTERS)
    .join('');
}
