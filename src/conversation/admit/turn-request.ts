import type { Input } from '../input.ts';
import type { SessionRef } from '../session.ts';
import type { OnBusy, OnDisconnect, TurnOptions } from '../turn.ts';

/** What a door asks of the core, parsed from a caller's request. */
export interface TurnRequest {
  readonly session: SessionRef;
  readonly ownerAsGiven: string;
  readonly input: Input;
  /** What the caller asked for; null: the deployment's ON_BUSY. */
  readonly onBusy: OnBusy | null;
  /** The model, by name; null: the default. */
  readonly model: string | null;
  readonly options: TurnOptions;
  /** The door through which the request came. */
  readonly door: string;
  /** What a disconnect means on that door; null: the deployment's ON_DISCONNECT decides. */
  readonly onDisconnect: OnDisconnect | null;
  readonly idempotencyKey: string | null;
}
