import type { EventId, PlacedEvent, TurnEvent } from './events.ts';
import type { History, Message, SessionRef, SessionSummary } from './session.ts';
import type { StopKind, TurnFailure, TurnRecord, Usage } from './turn.ts';

/** A turn and the keys it needs. */
export interface TurnRef {
  readonly session: SessionRef;
  readonly turnId: string;
  /** Hashes of the Idempotency-Keys that mean it: whoever began it sent one, or who joined it, as far as known here. */
  readonly idempotencyHashes: readonly string[];
}

/** The right to run a turn: nobody with a smaller fence can write from now on. */
export interface Grant {
  readonly fence: string;
  readonly attempt: number;
  readonly history: History;
}

/** A granted turn that this replica did not just admit: with all that the user said. */
export interface OpenGrant extends Grant {
  readonly userMessages: readonly string[];
  /** Running time of the attempts before, ms. */
  readonly ranMs: number;
  readonly idempotencyHashes: readonly string[];
}

export type Opened =
  | { readonly kind: 'granted'; readonly grant: OpenGrant }
  | {
      readonly kind: 'waiting';
      readonly position: number;
      /** The running turn, when its lease is over: its replica seems dead. */
      readonly staleTurnId: string | null;
      readonly idempotencyHashes: readonly string[];
    }
  /** `gone`: no record is left. `taken`: another replica has it. `ended`: it ended. */
  | { readonly kind: 'gone' | 'taken' | 'ended' };

export type Beat =
  | { readonly kind: 'ok'; readonly stop: StopKind | null }
  /** `ended`: with this fence, so by this replica; the reply that says so is lost, or still on its way. */
  | { readonly kind: 'gone' | 'fenced' | 'ended' };

/** How a running turn ends, and what of it is kept. */
export interface Ending {
  readonly outcome: 'completed' | 'cancelled' | 'failed';
  /** The stop that this end heeds: null when it knows of none, `any` when none matters. Another is `stopped`. */
  readonly heeds: StopKind | 'any' | null;
  readonly messages: readonly NewMessage[];
  readonly messageCountBefore: number;
  readonly kept: boolean;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  readonly failure: TurnFailure | null;
  /** Events that the log does not have yet, the terminal one last, with the place of that one. */
  readonly tail: readonly TurnEvent[];
  readonly lastId: EventId;
}

export interface NewMessage {
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly createdAtMs: number;
  readonly truncated: boolean;
}

export type Ended =
  | { readonly kind: 'ok'; readonly messageCount: number }
  | { readonly kind: 'stopped'; readonly stop: StopKind }
  /** `locked`: nothing was written, because the lock holds another value; the fence is still this one. */
  | { readonly kind: 'gone' | 'fenced' | 'locked' | 'corrupt' };

/** `running`: it was granted meanwhile. `told`: it stands, because somebody counts on it. */
export type Withdrawn = 'ok' | 'gone' | 'ended' | 'running' | 'told';

export type Claimed =
  | { readonly kind: 'granted'; readonly grant: OpenGrant }
  /** `last`: the place of its last event. */
  | {
      readonly kind: 'adopted';
      readonly isConfirmed: boolean;
      readonly last: EventId;
      readonly waitedMs: number;
    }
  | {
      readonly kind: 'seized';
      readonly why: 'stopped' | 'exhausted' | 'unconfirmed';
      readonly stop: StopKind;
      readonly fence: string;
      readonly attempt: number;
      readonly messageCount: number;
    }
  | { readonly kind: 'alive'; readonly untilMs: number }
  | { readonly kind: 'gone' | 'ended' };

/** What is stored of a turn beyond what callers see; for whoever takes it over. */
export interface StoredTurn {
  readonly record: TurnRecord;
  readonly idempotencyHashes: readonly string[];
  readonly userMessages: readonly string[];
  readonly replica: string;
}

/**
 * Order: who is next, who leaves. Here and below each change is one script, and each may be
 * sent twice. All methods throw TurnwiseError: `redis_unavailable`, `storage_full`, `corrupt_session`.
 */
export interface TurnQueue {
  open(turn: TurnRef): Promise<Opened>;
  withdraw(turn: TurnRef, ending: Withdrawal): Promise<Withdrawn>;
}

/** The life of a turn that runs: its lease, its log, its end. */
export interface TurnStore {
  beat(turn: TurnRef, fence: string): Promise<Beat>;
  /** Frees a lock that nobody but the running turn with this fence may hold. */
  freeLock(turn: TurnRef, fence: string): Promise<'ok' | 'fenced'>;
  /**
   * `no-room`: too much is on its way to Redis already; nothing was sent.
   *
   * @param saidLength  characters that this attempt has said by the end of these events: whether it got further than
   *                    those before decides if its death counts
   */
  append(
    turn: TurnRef,
    fence: string,
    lastId: EventId,
    events: readonly TurnEvent[],
    saidLength: number,
  ): Promise<'ok' | 'fenced' | 'no-room'>;
  /** @param lockValue  asked when it is sent: it may wait for its turn, and the lock be taken anew meanwhile */
  end(turn: TurnRef, fence: string, lockValue: () => string | null, ending: Ending): Promise<Ended>;
  /** `if-unread`: only when no other replica has told of a reader in the last seconds; else `read`. */
  stop(
    turn: TurnRef,
    kind: StopKind,
    when?: 'always' | 'if-unread',
  ): Promise<'asked' | 'queued' | 'ended' | 'gone' | 'read'>;
  find(session: SessionRef, turnId: string): Promise<StoredTurn | null>;
}

/** What happens to the turns of a replica that died, sleeps or leaves. */
export interface TurnTakeover {
  claim(turn: TurnRef, mode: 'dead' | 'seize'): Promise<Claimed>;
  /** Lets go of a turn, so that another replica goes on with it at once. */
  release(turn: TurnRef, lockValue: string | null): Promise<void>;
  /** Puts a turn on the list of those to look after, when its lease may have been lost from it. */
  suspect(session: SessionRef, turnId: string): Promise<void>;
  /** Turns whose lease is over, oldest first; or only those that their replica let go of. */
  overdue(limit: number, which: 'all' | 'released'): Promise<readonly TurnPlace[]>;
  /** Takes a turn off that list, in the background. */
  forget(place: TurnPlace): void;
}

export interface TurnPlace {
  readonly session: SessionRef;
  readonly turnId: string;
}

/** How a waiting turn ends. */
export interface Withdrawal {
  readonly outcome: 'cancelled' | 'failed';
  readonly failure: TurnFailure | null;
  /**
   * `any`: also when it was granted to this replica. `untold`, `unsettled`: the same, unless somebody counts on it; its
   * caller was told that it is not in, or that it may be.
   */
  readonly ifIt: 'waits' | 'any' | 'untold' | 'unsettled';
}

export interface EventLog {
  /** A page of events after a place, oldest first; empty when there are none yet. */
  read(turn: TurnRef, after: EventId): Promise<readonly PlacedEvent[]>;
  /** The newest event; null when there is none. */
  last(turn: TurnRef): Promise<PlacedEvent | null>;
  /** Calls back whenever the log grew or may have, and counts as a reader meanwhile. @returns stops it */
  watch(turn: TurnRef, grown: () => void): Promise<() => void>;
}

export interface SessionPage {
  readonly sessions: readonly SessionSummary[];
  readonly total: number;
  readonly nextCursor: string | null;
}

export interface SessionStore {
  summary(session: SessionRef): Promise<SessionSummary | null>;
  rename(session: SessionRef, title: string): Promise<SessionSummary | null>;
  /** @returns false when there is none */
  remove(session: SessionRef): Promise<boolean>;
  list(owner: string, limit: number, cursor: string | null): Promise<SessionPage>;
  /** Live sessions of an owner, or of all; reads none of them. */
  count(owner: string | null): Promise<number>;
  /** Newest messages before a place, oldest first; null when there is no such session. */
  messages(session: SessionRef, limit: number, before: string | null): Promise<MessagePage | null>;
  /** Messages at places `from` to `to` (exclusive) of the whole history. */
  slice(session: SessionRef, history: History, from: number): Promise<readonly Message[]>;
}

export interface MessagePage {
  readonly messages: readonly Message[];
  readonly hasMore: boolean;
}

/** How many turns a caller may begin. */
export interface TurnRate {
  /** Counts one. @returns 0, or the seconds to wait when there were too many */
  take(caller: string): Promise<number>;
}

/** A hold on a session's lock. */
export interface Lease {
  /** What the lock key holds; the commit compares it. */
  readonly value: string;
  /** `lost`: another has it, or it ran out. @throws redis_unavailable when that cannot be told */
  extend(): Promise<'held' | 'lost'>;
  /** Lets go, where no script does it. What fails is over with the hold's time; never throws. */
  release(): Promise<void>;
}

export interface SessionLock {
  /** @returns null when another holds it. @throws redis_unavailable */
  acquire(session: SessionRef): Promise<Lease | null>;
}

export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What a model is asked. */
export interface ModelRequest {
  readonly messages: readonly PromptMessage[];
}

/**
 * A piece of an answer, in the order in which the model sent it. `reasoning`: it thinks aloud. `tool_call`: a piece of a
 * call; those with one index belong together. `sign`: of life, while nothing is said.
 */
export type ModelPart =
  | { readonly type: 'text' | 'reasoning'; readonly text: string }
  | {
      readonly type: 'tool_call';
      readonly index: number;
      readonly callId: string | null;
      readonly name: string | null;
      /** A piece of the JSON of its arguments. */
      readonly arguments: string;
    }
  | { readonly type: 'sign' };

/** What is known of an answer once it is whole. */
export interface ModelAnswer {
  readonly finishReason: string;
  readonly usage: Usage | null;
}

export interface Model {
  /**
   * Asks, hands on each part as it comes, and returns once the answer is whole. A part that is not taken at once holds
   * up those behind it.
   *
   * @throws what `onPart` throws; ModelRefused, model_error, model_timeout; after `signal` fired what it throws is of no
   *         interest
   */
  ask(
    request: ModelRequest,
    signal: AbortSignal,
    onPart: (part: ModelPart) => void | Promise<void>,
  ): Promise<ModelAnswer>;
}

export interface TokenCounter {
  /** Never more than a few ms without giving way to others. */
  count(text: string): Promise<number>;
}

/** What other replicas and scripts tell this one. */
export type Notice =
  | { readonly kind: 'wake'; readonly session: SessionRef; readonly turnId: string }
  | { readonly kind: 'stop'; readonly session: SessionRef; readonly turnId: string; readonly stop: StopKind }
  | { readonly kind: 'ended'; readonly session: SessionRef; readonly turnId: string; readonly code: string }
  | { readonly kind: 'fenced'; readonly session: SessionRef; readonly turnId: string }
  | { readonly kind: 'orphans' };

/** What the core tells whoever counts and logs. */
export interface Observer {
  /** @param durationMs  null: it never ran */
  turnEnded(turn: TurnRef, outcome: string, durationMs: number | null): void;
  failed(what: string, error: unknown, turn?: TurnRef): void;
}
