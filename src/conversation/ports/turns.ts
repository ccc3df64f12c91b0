import type { EventId, TurnEvent } from '../events.ts';
import type { Input, InputMessage } from '../input.ts';
import type { Part } from '../parts.ts';
import type { History, Message, Receipt, SessionRef } from '../session.ts';
import type { OnDisconnect, StopKind, TurnFailure, TurnProfile, TurnRecord, TurnRef } from '../turn.ts';
import type { Usage } from '../usage.ts';

/** The right to run a turn: from now on no holder of a lower fence can write. */
export interface Grant {
  readonly fence: string;
  readonly attempt: number;
  readonly history: History;
}

/** A granted turn with all that is needed to run it. */
export interface GrantedTurn extends Grant {
  /** What all its callers said, in order. */
  readonly input: Input;
  readonly profile: TurnProfile;
  /** Running time of the earlier attempts, ms. */
  readonly ranMs: number;
}

export type Opened =
  | { readonly kind: 'granted'; readonly grant: GrantedTurn }
  | {
      readonly kind: 'waiting';
      readonly position: number;
      /** The running turn, when its lease has expired: its replica seems dead. */
      readonly staleTurnId: string | null;
    }
  /** `gone`: no record is left. `taken`: another replica has it. */
  | { readonly kind: 'gone' | 'taken' | 'ended' };

/** How a waiting turn ends. */
export interface Withdrawal {
  readonly outcome: 'cancelled' | 'failed';
  readonly failure: TurnFailure | null;
  /**
   * `any`: also when it was granted to this replica. `unacknowledged`, `unsettled`: the same, unless a caller depends
   * on it; to its own caller it was reported as not accepted, or as possibly accepted.
   */
  readonly condition: 'waits' | 'any' | 'unacknowledged' | 'unsettled';
}

/** `running`: it was granted meanwhile. `depended_on`: it is kept, because a caller depends on it. */
export type Withdrawn = 'ok' | 'gone' | 'ended' | 'running' | 'depended_on';

/**
 * The order of turns: which is next, and which is withdrawn. Here and below each change is one script, and idempotent.
 * All methods throw TurnwiseError: `redis_unavailable`, `storage_full`, `corrupt_session`.
 */
export interface TurnQueue {
  open(turn: TurnRef): Promise<Opened>;
  withdraw(turn: TurnRef, withdrawal: Withdrawal): Promise<Withdrawn>;
}

export type Beat =
  | { readonly kind: 'ok'; readonly stop: StopKind | null }
  /** `ended`: under this fence, so by this replica; the reply that says so was lost, or is still on its way. */
  | { readonly kind: 'gone' | 'fenced' | 'ended' };

export interface NewMessage extends InputMessage {
  /** In this commit; the last part of its id. */
  readonly number: number;
  readonly createdAtMs: number;
  readonly truncated: boolean;
  readonly receipt?: Receipt;
}

/** A stored message that is replaced, or removed when there is none in its place. */
export interface HistoryEdit {
  /** In the whole history, dropped messages counted. */
  readonly place: number;
  readonly message: Message | null;
}

/** How a commit changes the history before it adds its own messages. */
export interface HistoryChange {
  readonly edits: readonly HistoryEdit[];
  /** Messages of another session that an empty history begins with. */
  readonly begin: readonly Message[];
  /** The id of the last message that is left or begun with; empty when there is none. */
  readonly lastId: string;
}

/** Usage of one call of the model. */
export interface StepUsage extends Usage {
  readonly attempt: number;
  readonly step: number;
}

/** How a running turn ends, and what of it is kept. */
export interface Ending {
  readonly outcome: 'completed' | 'cancelled' | 'failed';
  /** The stop that this end respects: null when it knows of none, `any` when none matters; another is `stopped`. */
  readonly heeds: StopKind | 'any' | null;
  readonly messages: readonly NewMessage[];
  /** Applied first; null: nothing but an append. */
  readonly change: HistoryChange | null;
  readonly messageCountBefore: number;
  readonly finishReason: string | null;
  readonly usage: readonly StepUsage[];
  readonly failure: TurnFailure | null;
  /** Events that the log does not have yet, the terminal one last; then the place of that one. */
  readonly tail: readonly TurnEvent[];
  readonly lastId: EventId;
}

export type Ended =
  | { readonly kind: 'ok'; readonly messageCount: number }
  | { readonly kind: 'stopped'; readonly stop: StopKind }
  /** `locked`: nothing was written, because the lock holds another value; the fence is still ours. */
  | { readonly kind: 'gone' | 'fenced' | 'locked' | 'corrupt' };

export type StopAsked = 'asked' | 'queued' | 'ended' | 'gone' | 'read';

/** What is stored of a turn beyond what its owner sees. */
export interface StoredTurn {
  readonly record: TurnRecord;
  readonly input: Input;
  readonly profile: TurnProfile;
  /** The fence of its newest attempt; null while it waits for the first. */
  readonly fence: string | null;
  /** How many messages its commit added to the history: what callers said, and the answer. */
  readonly committedCount: number;
}

/** The life of a running turn: its lease, its log, its end. */
export interface TurnStore {
  beat(turn: TurnRef, fence: string): Promise<Beat>;
  /** Frees a lock that only the running turn with this fence may hold. */
  freeLock(turn: TurnRef, fence: string): Promise<'ok' | 'fenced'>;
  /**
   * `no-room`: too much is on its way to Redis already; nothing was sent.
   *
   * @param holder      the fence, or the replica of a waiting turn
   * @param saidLength  characters of text in this attempt, up to the last of these events: whether it got further than
   *                    those before decides how its death counts
   */
  append(
    turn: TurnRef,
    holder: string,
    lastId: EventId,
    events: readonly TurnEvent[],
    saidLength: number,
  ): Promise<'ok' | 'fenced' | 'no-room'>;
  /** @param lockValue  read when the script is sent: it may wait, and the lock be taken anew meanwhile */
  end(turn: TurnRef, fence: string, lockValue: () => string | null, ending: Ending): Promise<Ended>;
  /** `if-unread`: only when no other replica has reported a reader in the last seconds; else `read`. */
  stop(turn: TurnRef, kind: StopKind, when?: 'always' | 'if-unread'): Promise<StopAsked>;
  find(turn: TurnRef): Promise<StoredTurn | null>;
  /** The running turn of a session, else the one that waits longest; null when there is none. */
  active(session: SessionRef): Promise<TurnRef | null>;
  /** What history holds of a turn's answer, which may be long; null when it holds nothing. */
  reply(turn: TurnRef, stored: StoredTurn): Promise<readonly Part[] | null>;
}

export type Claimed =
  | { readonly kind: 'granted'; readonly grant: GrantedTurn }
  | {
      readonly kind: 'adopted';
      readonly isConfirmed: boolean;
      /** The place of its last event. */
      readonly last: EventId;
      readonly waitedMs: number;
      readonly onDisconnect: OnDisconnect;
    }
  | {
      readonly kind: 'seized';
      readonly why: 'stopped' | 'exhausted' | 'unconfirmed';
      readonly stop: StopKind;
      readonly fence: string;
      readonly messageCount: number;
    }
  | { readonly kind: 'alive'; readonly untilMs: number }
  | { readonly kind: 'gone' | 'ended' };

/** A turn whose lease ended this long ago; 0: its replica released it. */
export interface OverdueTurn {
  readonly turn: TurnRef;
  readonly overdueMs: number;
}

/** Takes over the turns of a replica that died, hangs or shuts down. */
export interface TurnTakeover {
  claim(turn: TurnRef, mode: 'dead' | 'seize'): Promise<Claimed>;
  /** Releases a turn, so that another replica takes it over at once. */
  release(turn: TurnRef, lockValue: string | null): Promise<void>;
  /** Puts a turn back on the list of live ones, in case its entry was lost. */
  suspect(turn: TurnRef): Promise<void>;
  /** Turns whose lease has expired, oldest first; or only those that their replica released. */
  overdue(limit: number, which: 'all' | 'released'): Promise<readonly OverdueTurn[]>;
  /** Takes a turn off that list, in the background. */
  forget(turn: TurnRef): void;
}
