import { BEFORE_ALL, type PlacedEvent, type TurnEvent } from '../../conversation/events.ts';
import type { TurnSource } from '../../conversation/read/turn-source.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import { type ErrorCode, TurnwiseError } from '../../errors.ts';
import { ResponseFold } from './response-fold.ts';
import type { ResponseHead, ResponseJson } from './response-object.ts';

/** A response that has ended, and the event that ended it. */
export interface CollectedResponse {
  readonly response: ResponseJson;
  readonly end: TurnEvent;
}

/** Errors after which this replica cannot follow the turn, but another one may. */
const MAY_GO_ON: ReadonlySet<ErrorCode> = new Set(['draining', 'commit_unknown']);

/**
 * Reads a response to its end.
 *
 * @returns null when the client has left
 * @throws what keeps it from being read, with the ids of the turn
 */
export async function collectResponse(
  { turn, follow }: TurnSource,
  head: ResponseHead,
  signal: AbortSignal,
  endedAtMs: () => number = Date.now,
): Promise<CollectedResponse | null> {
  const fold = new ResponseFold(head, endedAtMs);
  let end: TurnEvent | null = null;
  const take = (events: readonly PlacedEvent[]) => {
    for (const placed of events) fold.take(placed, () => {});
    end = events.at(-1)?.event ?? end;
  };
  try {
    await follow(BEFORE_ALL, 'as-said', { take }, signal);
  } catch (error) {
    if (!(error instanceof TurnwiseError) || !MAY_GO_ON.has(error.code)) throw error;
    throw new TurnwiseError(error.code, { cause: error, details: idsOf(turn) });
  }
  if (signal.aborted) return null;
  if (end === null) throw new Error('a turn was read to its end, but has no terminal event');
  return { response: fold.response, end };
}

export function idsOf(turn: TurnRef) {
  return { turn_id: turn.turnId, session_id: turn.session.conversationId };
}
