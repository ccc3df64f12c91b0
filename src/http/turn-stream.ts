import type { TurnDeps } from '../conversation/deps.ts';
import type { EventId } from '../conversation/events.ts';
import { followTurn } from '../conversation/follow-turn.ts';
import type { TurnRef } from '../conversation/ports.ts';
import { TurnwiseError } from '../errors.ts';
import type { SseSink } from './sse-sink.ts';
import { frameOf } from './turn-frames.ts';

/** Event streams that are open on this replica, and how many may be. */
export class Streams {
  readonly #max: number;
  readonly #changed: (count: number) => void;
  #count = 0;

  constructor(max: number, changed: (count: number) => void) {
    this.#max = max;
    this.#changed = changed;
  }

  /** @throws overloaded */
  checkRoom(): void {
    if (this.#count >= this.#max) throw new TurnwiseError('overloaded');
  }

  enter(): void {
    this.#count += 1;
    this.#changed(this.#count);
  }

  leave(): void {
    this.#count -= 1;
    this.#changed(this.#count);
  }
}

/** Sends a turn's events after a place until it ends or the client leaves. A body that just ends was cut. */
export async function streamTurn(
  deps: TurnDeps,
  streams: Streams,
  sink: SseSink,
  turn: TurnRef,
  after: EventId,
): Promise<void> {
  streams.enter();
  sink.open();
  try {
    for await (const events of followTurn(deps, turn, after, sink.signal)) {
      if (!(await sink.send(events.map((placed) => frameOf(turn, placed))))) return;
    }
  } catch (error) {
    // Once the stream is open there is no status to send. It ends without a terminal event, so the client
    // knows that it was cut, and resumes: on another replica when this one is draining.
    if (!(error instanceof TurnwiseError && error.code === 'draining')) {
      deps.observer.failed('stream a turn', error, turn);
    }
  } finally {
    streams.leave();
  }
}

export function streamUrl(conversationId: string, turnId: string): string {
  return `/api/sessions/${encodeURIComponent(conversationId)}/turns/${turnId}/stream`;
}
