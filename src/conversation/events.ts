import type { TurnFailure, Usage } from './turn.ts';

/**
 * What a reader of a turn may see, in order. Canonical: the log in Redis holds these, each dialect renders
 * them. `done`, `cancelled` and `error` end the stream, nothing else does.
 */
export type TurnEvent =
  | { readonly type: 'queued'; readonly position: number }
  | { readonly type: 'started'; readonly attempt: number }
  | { readonly type: 'delta'; readonly content: string }
  | { readonly type: 'restarted'; readonly attempt: number }
  | {
      readonly type: 'done';
      readonly finishReason: string;
      readonly usage: Usage | null;
      readonly messageCount: number;
    }
  | { readonly type: 'cancelled'; readonly kept: boolean; readonly messageCount: number }
  | ({ readonly type: 'error' } & TurnFailure);

/**
 * Place of an event in its turn: the attempt (0 while queued) and a number that rises within it. Written
 * `ATTEMPT-SEQ`, which is also a Redis Stream id, so that Redis itself refuses an attempt that was overtaken.
 */
export interface EventId {
  readonly attempt: number;
  readonly seq: number;
}

export interface PlacedEvent {
  readonly id: EventId;
  readonly event: TurnEvent;
}

export const BEFORE_ALL: EventId = { attempt: 0, seq: 0 };

const EVENT_ID = /^(\d{1,9})-(\d{1,9})$/;

/** @returns the place, or null when the text is not one */
export function parseEventId(text: string): EventId | null {
  const match = EVENT_ID.exec(text);
  return match === null ? null : { attempt: Number(match[1]), seq: Number(match[2]) };
}

export function formatEventId(id: EventId): string {
  return `${id.attempt}-${id.seq}`;
}

export function isAfter(id: EventId, other: EventId): boolean {
  return id.attempt > other.attempt || (id.attempt === other.attempt && id.seq > other.seq);
}

export function isTerminal(event: TurnEvent): boolean {
  return event.type === 'done' || event.type === 'cancelled' || event.type === 'error';
}
