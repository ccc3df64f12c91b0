import type { Grant, TurnRef } from './ports.ts';
import type { SessionRef } from './session.ts';
import type { OnBusy } from './turn.ts';

export interface Admission {
  readonly turn: TurnRef;
  /** The owner as the caller is known, before it was made fit for a key. */
  readonly ownerAsGiven: string;
  readonly message: string;
  readonly onBusy: OnBusy;
  /** What to keep under the Idempotency-Key, and what of an earlier try it may replace. */
  readonly idempotencyValue: string | null;
  readonly replacesIdempotencyValue: string | null;
}

/** The Idempotency-Key was used before. `isTold`: who asked again was told that the message is in. */
export interface Exists {
  readonly kind: 'exists';
  readonly idempotencyValue: string;
  readonly isTold: boolean;
}

export type Admitted =
  | { readonly kind: 'granted'; readonly grant: Grant }
  | { readonly kind: 'queued'; readonly position: number }
  /** To be answered together with this one, which still waits; nothing was written yet. */
  | { readonly kind: 'join'; readonly turnId: string }
  | Exists
  | { readonly kind: 'busy'; readonly turnId: string; readonly position: number }
  /** `late`: it came after its deadline. `unsent`: there was no connection to send it by. */
  | { readonly kind: 'full' | 'late' | 'unsent' };

/** A message on its way into a turn that waits. */
export interface Joining {
  readonly turn: TurnRef;
  /** Tells this message from others that join, and from itself sent again. */
  readonly joinerId: string;
  readonly message: string;
  readonly idempotencyValue: string | null;
  readonly replacesIdempotencyValue: string | null;
}

/** `gone`: no record is left. `taken`: this replica was late, and another one has the turn, or had it ended. */
export type Confirmed = 'ok' | 'late' | 'taken' | 'gone';

/** `gone`: the turn ended, or is being ended because nobody was told of it, or the key means another. */
export type RepeatConfirmed = 'ok' | 'late' | 'gone';

/** `stale`: that turn does not wait any more, or is not the last; to be admitted anew. */
export type Joined = { readonly kind: 'joined' | 'stale' | 'late' | 'too_large' } | Exists;

/**
 * Who is taken in. Each change is one script, and each may be sent twice. All methods throw TurnwiseError:
 * `redis_unavailable`, `storage_full`, `corrupt_session`.
 */
export interface TurnAdmission {
  /** Whether an Idempotency-Key of a session was used before; by the hash that it is kept under. */
  knows(session: SessionRef, keyHash: string): Promise<boolean>;
  admit(admission: Admission): Promise<Admitted>;
  /** Makes the admission count: settled before a caller hears of the turn. */
  confirm(turn: TurnRef): Promise<Confirmed>;
  /** Makes the message under an Idempotency-Key count: settled before who asks again hears of its turn. */
  confirmRepeat(turn: TurnRef, idempotencyValue: string): Promise<RepeatConfirmed>;
  /** Adds a message to a turn that still waits: both are answered together. */
  join(joining: Joining): Promise<Joined>;
  /** Takes a message out again whose caller was told that it was not taken in. */
  unjoin(turn: TurnRef, joinerId: string): Promise<void>;
}
