import type { EventId, PlacedEvent } from '../events.ts';
import type { History, Message, Metadata, SessionRef, SessionSummary } from '../session.ts';
import type { TurnRef } from '../turn.ts';

export interface EventLog {
  /** A page of events after a place, oldest first; empty when there are none yet. */
  read(turn: TurnRef, after: EventId): Promise<readonly PlacedEvent[]>;
  /** The newest event; null when there is none. */
  last(turn: TurnRef): Promise<PlacedEvent | null>;
  /** Calls back whenever the log has grown or may have, and counts as a reader meanwhile. @returns stops it */
  watch(turn: TurnRef, onGrowth: () => void): Promise<() => void>;
}

export type ListOrder = 'newest-first' | 'oldest-first';

export interface SessionPage {
  readonly sessions: readonly SessionSummary[];
  readonly total: number;
  readonly nextCursor: string | null;
}

export interface MessagePage {
  readonly messages: readonly Message[];
  readonly hasMore: boolean;
}

export interface NewSession {
  readonly ownerAsGiven: string;
  readonly metadata: Metadata;
  readonly ttlMs: number;
}

export interface Description {
  readonly title?: string;
  readonly metadata?: Metadata;
}

export interface SessionStore {
  summary(session: SessionRef): Promise<SessionSummary | null>;
  /** Makes a session without messages; one that exists stays as it is. */
  create(session: SessionRef, made: NewSession): Promise<void>;
  /** Sets what is given; null when there is no such session. */
  describe(session: SessionRef, description: Description): Promise<SessionSummary | null>;
  /** @returns false when there is none */
  remove(session: SessionRef): Promise<boolean>;
  /** By their last access. */
  list(owner: string, limit: number, cursor: string | null, order?: ListOrder): Promise<SessionPage>;
  /** The cursor behind a session, for `list`; null when there is no such session. */
  cursorOf(session: SessionRef): Promise<string | null>;
  /** Live sessions of an owner, or of all; counted without reading them. */
  count(owner: string | null): Promise<number>;
  /** The newest messages and their place in the whole; null when there is no such session. */
  history(session: SessionRef): Promise<History | null>;
  /** Newest messages before one, oldest first; null when there is no such session. */
  messages(session: SessionRef, limit: number, before: string | null): Promise<MessagePage | null>;
  /** Messages from a place of the whole history up to where the given stretch begins. */
  slice(session: SessionRef, history: History, from: number): Promise<readonly Message[]>;
}

/** A hold on a session's lock. */
export interface Lease {
  /** What the lock key holds; the commit compares it. */
  readonly value: string;
  /** `lost`: another holds it, or it has expired. @throws redis_unavailable when that is not known */
  extend(): Promise<'held' | 'lost'>;
  /** Frees the lock, where no script does. After a failure it expires by itself; never throws. */
  release(): Promise<void>;
}

export interface SessionLock {
  /** @returns null when another holds it. @throws redis_unavailable */
  acquire(session: SessionRef): Promise<Lease | null>;
}

/** How many turns a caller may begin. */
export interface TurnRate {
  /** Counts one. @returns 0, or the seconds to wait when there were too many */
  take(limitKey: string): Promise<number>;
}
