import type { EventId } from '../events.ts';
import type { Shows, TurnReader } from '../live/turn-feed.ts';
import type { TurnRef } from '../turn.ts';

/** A turn whose events can be read, wherever they come from. */
export interface TurnSource {
  readonly turn: TurnRef;
  /** Whether the turn has a place in its session: only then can it be found by its ids. */
  readonly isStored: boolean;
  /**
   * Hands a reader the events after a place, until the turn ends or the reader leaves (`signal`).
   *
   * @throws draining, commit_unknown: this replica cannot say more; and what the reader throws
   */
  follow(after: EventId, shows: Shows, reader: TurnReader, signal: AbortSignal): Promise<void>;
}
