import type { Input } from '../input.ts';
import type { SessionRef } from '../session.ts';
import type { OnBusy, OnDisconnect, TurnOptions } from '../turn.ts';

/** What a door asks of the core, parsed from a caller's request. */
export interface TurnRequest {
  readonly session: SessionRef;
  readonly ownerAsGiven: string;
  readonly input: Input;
  /** All that the caller sent, where that is more than what is new: a repeat is recognised by it. */
  readonly sent?: Input;
  /** What the caller asked for; null: the deployment's ON_BUSY. */
  readonly onBusy: OnBusy | null;
  /** The model, by name; null: the default. */
  readonly model: string | null;
  readonly options: TurnOptions;
  /** What the door wants back with the turn; opaque, empty for nothing. */
  readonly echo: string;
  /**
   * The turn that this one continues: if it is not the last of its session, the session is forked after it. null: the
   * last one, whichever it is.
   */
  readonly follows: string | null;
  /** The door through which the request came. */
  readonly door: string;
  /** What a disconnect means on that door; null: the deployment's ON_DISCONNECT decides. */
  readonly onDisconnect: OnDisconnect | null;
  readonly idempotencyKey: string | null;
}
