import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { EventId, PlacedEvent } from '../../conversation/events.ts';
import type { Shows } from '../../conversation/live/turn-feed.ts';
import type { OnDisconnect, TurnRef } from '../../conversation/turn.ts';
import type { ErrorCode, TurnwiseError } from '../../errors.ts';
import type { HttpDeps } from '../http-deps.ts';
import type { Readers } from './readers.ts';

/**
 * A wire protocol in which turns are shown: how it renders events and errors. Its routes parse requests; everything
 * between the two (admit, announce, follow, send) is shared.
 */
export interface Dialect {
  /** The name of the door, recorded with each turn. */
  readonly door: string;
  /** A dialect that numbers its events shows them once they are logged, so that a number never means two things. */
  readonly shows: Shows;
  /** What its clients mean when they disconnect; null: ON_DISCONNECT decides. */
  readonly onDisconnect: OnDisconnect | null;
  /** The status of each error, before the head of a reply. */
  readonly errors: ErrorTable;
  /** The body of such an error. */
  errorBody(error: TurnwiseError, requestId: string | null): unknown;
  /** Further headers of such an error. */
  errorHeaders?(error: TurnwiseError): Readonly<Record<string, string>>;
  /**
   * Begins to show a turn to one reader.
   *
   * @param has  what the reader says it has already, in the dialect's own notation; null: nothing
   * @throws invalid_request when it is something that the dialect never sent
   */
  frames(turn: TurnRef, has: string | null): TurnFrames;
}

/** Every code, in one dialect: a new code does not compile until each dialect has it. */
export type ErrorTable = Readonly<Record<ErrorCode, { readonly status: number }>>;

/** The frames of one turn, for one reader. Each is complete: a frame is never split over two writes. */
export interface TurnFrames {
  /** The place in the log after which the reader continues. */
  readonly after: EventId;
  /**
   * The frames of an event; none when the dialect does not show it. The terminal event brings all that ends the stream.
   *
   * @throws TurnwiseError to end the stream with it: as a status if the head was not sent, else as frames of `cut`
   */
  of(placed: PlacedEvent): readonly string[];
  /**
   * The frames for when this replica cannot say more, though the turn may go on; none: the stream ends and is resumed.
   */
  cut(error: TurnwiseError): readonly string[];
}

/** The routes of a dialect, to be registered. */
export type Door = (deps: HttpDeps, readers: Readers) => FastifyPluginAsyncTypebox;

/** One client's end of a stream. */
export interface TurnSink {
  /** Fires when the client leaves before the stream has ended. */
  readonly signal: AbortSignal;
  /** Whether the head was sent: an error before it can still be a status. */
  readonly isOpen: boolean;
  /** Sends the head, so that the client knows its turn before the first event; or does so with the first frame. */
  open(): void;
  /** The head will not be sent by this sink. */
  cancel(): void;
  /** Writes frames together; a promise holds back what follows, while the client takes nothing. */
  send(frames: readonly string[]): void | Promise<void>;
}
