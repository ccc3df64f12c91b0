import type { TurnDeps } from '../conversation/deps.ts';
import type { EventId } from '../conversation/events.ts';
import { followTurn } from '../conversation/follow-turn.ts';
import type { TurnRef } from '../conversation/ports.ts';
import { hasCode, TurnwiseError } from '../errors.ts';
import type { SseSink } from './sse-sink.ts';
import { frameOf } from './turn-frames.ts';

/** Those who read a turn on this replica, and how many may. */
export class Readers {
  readonly #max: number;
  readonly #streamsChanged: (count: number) => void;
  #count = 0;
  #streams = 0;

  constructor(max: number, streamsChanged: (count: number) => void) {
    this.#max = max;
    this.#streamsChanged = streamsChanged;
  }

  /**
   * Takes a place, before anything is awaited: many who come at once must not all find the same one free.
   *
   * @returns gives it back
   * @throws overloaded
   */
  enter(): () => void {
    if (this.#count >= this.#max) throw new TurnwiseError('overloaded');
    this.#count += 1;
    return () => {
      this.#count -= 1;
    };
  }

  /** One of them reads an event stream. @returns it does no longer */
  stream(): () => void {
    this.#streams += 1;
    this.#streamsChanged(this.#streams);
    return () => {
      this.#streams -= 1;
      this.#streamsChanged(this.#streams);
    };
  }
}

/** Sends a turn's events after a place until it ends or the client leaves. A body that just ends was cut. */
export async function streamTurn(
  deps: TurnDeps,
  readers: Readers,
  sink: SseSink,
  turn: TurnRef,
  after: EventId,
): Promise<void> {
  const leave = readers.stream();
  try {
    sink.open();
    for await (const events of followTurn(deps, turn, after, sink.signal)) {
      if (!(await sink.send(events.map((placed) => frameOf(turn, placed))))) return;
    }
  } catch (error) {
    // Once the stream is open there is no status to send. It ends without a terminal event, so the client
    // knows that it was cut, and resumes: on another replica when this one is draining.
    if (!hasCode(error, 'draining')) {
      deps.observer.failed('stream a turn', error, turn);
    }
  } finally {
    leave();
  }
}
