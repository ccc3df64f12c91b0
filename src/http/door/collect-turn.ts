import { BEFORE_ALL, failureToJson, type PlacedEvent, type TurnEvent } from '../../conversation/events.ts';
import type { Part } from '../../conversation/parts.ts';
import type { TurnSource } from '../../conversation/read/turn-source.ts';
import { Transcript } from '../../conversation/transcript.ts';
import { type ErrorCode, TurnwiseError } from '../../errors.ts';

/** A turn that ended, with all that was said in it. */
export interface CollectedTurn {
  readonly parts: readonly Part[];
  readonly end: Extract<TurnEvent, { readonly type: 'done' | 'cancelled' }>;
}

/** Errors after which this replica cannot follow the turn, but another one may. */
const MAY_GO_ON: ReadonlySet<ErrorCode> = new Set(['draining', 'commit_unknown']);

/**
 * Reads a turn to its end.
 *
 * @returns null when the client has left
 * @throws the error that ended the turn, or that keeps it from being read; with the ids of the turn
 */
export async function collectTurn(source: TurnSource, signal: AbortSignal): Promise<CollectedTurn | null> {
  const transcript = new Transcript();
  let end: TurnEvent | null = null;
  const take = (events: readonly PlacedEvent[]) => {
    for (const { event } of events) transcript.add(event);
    end = events.at(-1)?.event ?? null;
  };
  const ids = idsOf(source);
  try {
    await source.follow(BEFORE_ALL, 'as-said', { take }, signal);
  } catch (error) {
    if (!(error instanceof TurnwiseError) || !MAY_GO_ON.has(error.code)) throw error;
    throw new TurnwiseError(error.code, { cause: error, details: ids });
  }
  return signal.aborted ? null : concluded(end, transcript, ids);
}

function concluded(end: TurnEvent | null, transcript: Transcript, ids: object): CollectedTurn {
  switch (end?.type) {
    case 'done':
    case 'cancelled':
      return { parts: transcript.parts, end };
    case 'error':
      throw errorOf(end, ids);
    default:
      throw new Error('a turn was read to its end, but has no terminal event');
  }
}

/** What the error of a turn says besides: where to find it, if it can be found. */
export function idsOf({ turn, isStored }: TurnSource): Readonly<Record<string, string>> {
  return isStored ? { turn_id: turn.turnId, session_id: turn.session.conversationId } : {};
}

/** The error that ended a turn, as one that a request can end with. */
export function errorOf(event: Extract<TurnEvent, { readonly type: 'error' }>, ids: object): TurnwiseError {
  const { code: _code, message, retryable: _, ...more } = failureToJson(event);
  return new TurnwiseError(event.code, { message, details: { ...ids, ...more } });
}
