import type { Part } from './parts.ts';
import type { Usage } from './usage.ts';

/** A conversation and where it belongs: the caller's id within its owner's sessions. */
export interface SessionRef {
  /** The owner's name as used in keys; `-` while callers are anonymous. */
  readonly owner: string;
  readonly conversationId: string;
}

export type Role = 'user' | 'assistant' | 'tool';

/** One stored item of a history. */
export interface Message {
  /**
   * `mFENCE-N`, opaque to callers: the fence that it was committed with, and its number in that commit. So it does not
   * depend on the place of the message, and a fork or an edit can keep it, but it rises within a history.
   */
  readonly id: string;
  readonly turnId: string;
  readonly role: Role;
  readonly parts: readonly Part[];
  readonly createdAtMs: number;
  /** The answer was stopped before its end. */
  readonly truncated: boolean;
  /** In the last message of a turn whose door asked for it. */
  readonly receipt?: Receipt;
}

/** What is kept of a turn beside its messages. Times in ms since 1970. */
export interface Receipt {
  /** What its door gave with the request. */
  readonly echo: string;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/**
 * The answer's messages are numbered after this, those of its callers from 1: a reader of a running turn knows the ids
 * of the answer without knowing how many messages it answers.
 */
export const ANSWERS_AFTER = 100_000;

export function messageId(fence: string, number: number): string {
  return `m${fence}-${number}`;
}

/** @returns whether it is part of an answer, and not what a caller said */
export function isAnswer({ id }: Message): boolean {
  return Number(id.slice(id.lastIndexOf('-') + 1)) > ANSWERS_AFTER;
}

/** What is known of a session without reading its history. Times in ms since 1970. */
export interface SessionSummary {
  readonly conversationId: string;
  readonly title: string;
  readonly createdAtMs: number;
  readonly lastAccessedMs: number;
  readonly expiresAtMs: number;
  readonly messageCount: number;
  /** The session that it was forked from; null when it was not. */
  readonly parent: string | null;
  /** What callers attached to it. */
  readonly metadata: Metadata;
}

/** Names and values that a caller attaches to a session. */
export type Metadata = Readonly<Record<string, string>>;

/** A stretch of committed history and its place in the whole. */
export interface History {
  /** Changes when the session is created anew, so that nothing read of the old one is used for the new. */
  readonly epoch: string;
  /** Changes whenever the history changes in any way but by an append. */
  readonly generation: string;
  /** Place of `messages[0]` in the whole history, dropped messages counted. */
  readonly from: number;
  readonly messages: readonly Message[];
  /** Messages that the session has ever stored, dropped ones included. */
  readonly messageCount: number;
  /** Oldest messages, which are no longer stored. */
  readonly dropped: number;
}

/** That of a session which is not there. */
export const NO_HISTORY: History = {
  epoch: '',
  generation: '',
  from: 0,
  dropped: 0,
  messages: [],
  messageCount: 0,
};

export const CONVERSATION_ID = /^[A-Za-z0-9._:@~-]{1,128}$/;

/** 1 to 128 of `A-Z a-z 0-9 . _ : @ ~ -`, but not `.` or `..`, which URL paths would drop. */
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
