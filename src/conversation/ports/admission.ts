import type { Input } from '../input.ts';
import type { SessionRef } from '../session.ts';
import type { OnBusy, TurnProfile, TurnRef } from '../turn.ts';
import type { Grant } from './turns.ts';

/** An Idempotency-Key as it is stored. */
export interface KeyUse {
  readonly keyHash: string;
  /** What to store under the key: the turn and the request that it belongs to. */
  readonly value: string;
  /** The value of an earlier try that it may replace; null: none. */
  readonly replaces: string | null;
}

export interface Admission {
  readonly turn: TurnRef;
  /** The owner's name as given, before it was made fit for a key. */
  readonly ownerAsGiven: string;
  readonly input: Input;
  readonly profile: TurnProfile;
  /** The turn that must be the last of the session, waiting ones included; null: any. */
  readonly follows: string | null;
  readonly onBusy: OnBusy;
  readonly key: KeyUse | null;
}

/** The Idempotency-Key was used before. `isAcknowledged`: a caller has been notified that the message was accepted. */
export interface Exists {
  readonly kind: 'exists';
  readonly value: string;
  readonly isAcknowledged: boolean;
}

export type Admitted =
  | { readonly kind: 'granted'; readonly grant: Grant }
  | { readonly kind: 'queued'; readonly position: number }
  /** To be answered together with this turn, which still waits; nothing was written yet. */
  | { readonly kind: 'join'; readonly turnId: string }
  | Exists
  | { readonly kind: 'busy'; readonly turnId: string; readonly position: number }
  /** `passed`: another turn is the last. `late`: it came after its deadline. `unsent`: there was no connection. */
  | { readonly kind: 'passed' | 'full' | 'late' | 'unsent' };

/** A message that is about to join a waiting turn. */
export interface Joining {
  readonly turn: TurnRef;
  /** Distinguishes this message from others that join, and recognises it when it is sent again. */
  readonly joinerId: string;
  readonly input: Input;
  readonly profile: TurnProfile;
  readonly key: KeyUse | null;
}

/** `gone`: no record is left. `taken`: this replica was late, and another one has taken the turn over or ended it. */
export type Confirmed = 'ok' | 'late' | 'taken' | 'gone';

/** `gone`: the turn has ended, or is being ended because no caller depends on it, or the key names another turn. */
export type RepeatConfirmed = 'ok' | 'late' | 'gone';

/** `stale`: that turn no longer waits, is not the last one, or would be run differently; to be admitted anew. */
export type Joined = { readonly kind: 'joined' | 'stale' | 'late' | 'too_large' } | Exists;

/**
 * Which messages are accepted. Each change is one script, and idempotent. All methods throw TurnwiseError:
 * `redis_unavailable`, `storage_full`, `corrupt_session`.
 */
export interface TurnAdmission {
  /** Whether an Idempotency-Key of a session was used before. */
  knows(session: SessionRef, keyHash: string): Promise<boolean>;
  admit(admission: Admission): Promise<Admitted>;
  /** Confirms the admission, before the turn is acknowledged to its caller. */
  confirm(turn: TurnRef): Promise<Confirmed>;
  /** Confirms the message under an Idempotency-Key, before its turn is acknowledged to a caller that retries. */
  confirmRepeat(turn: TurnRef, key: KeyUse): Promise<RepeatConfirmed>;
  /** Adds a message to a turn that still waits: both are answered together. */
  join(joining: Joining): Promise<Joined>;
  /** Revokes a message that joined a turn, but was reported as not accepted. */
  unjoin(joining: Joining): Promise<void>;
}
