import { ApiError } from './errors.ts';
import { isTerminal, type TurnEvent } from './events.ts';
import { type Place, send } from './http.ts';
import { backoffMs, pause } from './pause.ts';
import { readStream } from './read-stream.ts';
import type { OnBusy, SaidPart } from './shapes.ts';

interface Listening {
  readonly signal?: AbortSignal;
  /** Is told when the connection is lost, with what the wait before the next try is; null: it is there again. */
  readonly onLink?: (retryInMs: number | null) => void;
}

export interface Say extends Listening {
  readonly conversationId: string;
  readonly message: string | readonly SaidPart[];
  /** Idempotency-Key: sent again with the same key, a message is still one turn. */
  readonly key: string;
  readonly onBusy?: OnBusy;
  /** One of those that the server has; without it the first of them answers. */
  readonly model?: string;
}

export interface Follow extends Listening {
  readonly conversationId: string;
  readonly turnId: string;
  /** Where to go on; empty: from the start. */
  readonly lastEventId: string;
}

/** `admitted`: the turn stands on the server. `settled`: it has ended, and the last event was seen before. */
export type Told =
  | TurnEvent
  | { readonly type: 'admitted'; readonly turnId: string }
  | { readonly type: 'settled' };

/** A refusal that may pass is tried so often before the caller hears of it; a missing network, for ever. */
const REFUSALS_ENDURED = 3;

const NEVER = new AbortController().signal;

/**
 * Sends a message and follows its turn to the end, whatever breaks in between.
 *
 * @throws ApiError when the message is refused
 */
export async function* say(place: Place, message: Say): AsyncGenerator<Told> {
  const { conversationId, onLink, signal = NEVER } = message;
  const response = await patiently(message, () =>
    send(place, '/api/chat/stream', {
      method: 'POST',
      body: {
        message: message.message,
        conversation_id: conversationId,
        on_busy: message.onBusy,
        model: message.model,
      },
      headers: { 'idempotency-key': message.key },
      signal,
    }),
  );
  const turnId = response.headers.get('x-turn-id');
  if (turnId === null) throw new ApiError('bad_answer', response.status);
  onLink?.(null);
  yield { type: 'admitted', turnId };
  yield* follow(place, { ...message, conversationId, turnId, lastEventId: '' }, response);
}

/**
 * The events of a turn after a place, on and on until one ends it: a stream that was cut is resumed.
 *
 * @throws ApiError when the turn is not there any more
 */
export async function* follow(place: Place, turn: Follow, first?: Response): AsyncGenerator<Told> {
  const { signal = NEVER, onLink } = turn;
  let lastEventId = turn.lastEventId;
  let cuts = 0;
  for (let open: Response | undefined = first; ; open = undefined) {
    const from = { ...turn, lastEventId };
    const response = open ?? (await patiently(turn, () => resume(place, from), Number.POSITIVE_INFINITY));
    if (response === null) {
      yield { type: 'settled' };
      return;
    }
    onLink?.(null);
    for await (const event of readStream(response, signal)) {
      cuts = 0;
      if (event.id !== '') lastEventId = event.id;
      yield event;
      if (isTerminal(event)) return;
    }
    cuts += 1;
    const waitMs = backoffMs(cuts);
    onLink?.(waitMs);
    await pause(waitMs, signal);
  }
}

/** Opens a turn's stream once. @returns null when the last event was seen already */
export async function resume(place: Place, turn: Follow): Promise<Response | null> {
  const path = `/api/sessions/${encodeURIComponent(turn.conversationId)}/turns/${encodeURIComponent(turn.turnId)}/stream`;
  const response = await send(place, path, {
    headers: turn.lastEventId === '' ? {} : { 'last-event-id': turn.lastEventId },
    signal: turn.signal,
  });
  return response.status === 204 ? null : response;
}

async function patiently<T>(
  { signal = NEVER, onLink }: Listening,
  attempt: () => Promise<T>,
  refusalsEndured = REFUSALS_ENDURED,
): Promise<T> {
  for (let tries = 1, refusals = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ApiError) || !error.isPassing) throw error;
      if (error.status !== 0) refusals += 1;
      if (refusals > refusalsEndured) throw error;
      const waitMs = Math.max(backoffMs(tries), error.retryAfterMs ?? 0);
      onLink?.(waitMs);
      await pause(waitMs, signal);
    }
  }
}
