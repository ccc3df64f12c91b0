import type { PlacedEvent } from '../../conversation/events.ts';
import type { TurnSource } from '../../conversation/read/turn-source.ts';
import { hasCode } from '../../errors.ts';
import { publicError } from '../error-reply.ts';
import type { HttpDeps } from '../http-deps.ts';
import type { Dialect, TurnFrames, TurnSink } from './dialect.ts';
import type { Readers } from './readers.ts';

/**
 * Sends a turn's events in a dialect until it ends or the client leaves. A body that just ends was cut.
 *
 * @throws what ended the turn before anything was sent, where the dialect wants it as a status
 */
export async function streamTurn(
  { conversations }: Pick<HttpDeps, 'conversations'>,
  readers: Readers,
  { shows }: Pick<Dialect, 'shows'>,
  source: TurnSource,
  frames: TurnFrames,
  sink: TurnSink,
): Promise<void> {
  const leave = readers.stream();
  try {
    sink.open();
    const reader = {
      take: (events: readonly PlacedEvent[]) => {
        const [first, ...more] = events;
        // Mostly there is one, and its frames are shared by all readers.
        if (first !== undefined && more.length === 0) return sink.send(frames.of(first));
        return sink.send(events.flatMap((placed) => frames.of(placed)));
      },
    };
    await source.follow(frames.after, shows, reader, sink.signal);
  } catch (error) {
    if (!sink.isOpen && !sink.signal.aborted) {
      sink.cancel();
      throw error;
    }
    if (!hasCode(error, 'draining')) conversations.reportFailedStream(error, source.turn);
    // No status can be sent any more. Without a terminal event the client knows that the stream was cut, and resumes
    // it: on another replica when this one is draining.
    await sink.send(frames.cut(publicError(error)));
  } finally {
    leave();
  }
}
