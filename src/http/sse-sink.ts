import type { FastifyReply } from 'fastify';

export interface SseFrame {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** A client that takes nothing for so long is cut; it can resume. */
const STALLED_AFTER_MS = 60_000;

/** Frames written before the socket is looked at: with more, a client that stalls would hold the whole answer. */
const FRAMES_AT_ONCE = 16;

/**
 * One client's end of an event stream, over @fastify/sse. The plugin's `send` never settles once a stalled
 * client has gone, and its own close event also fires at a normal end; here a client that left is a signal,
 * and sending to it is over at once.
 */
export class SseSink {
  readonly #reply: FastifyReply;
  readonly #left: AbortSignal;
  readonly #whenLeft: Promise<void>;

  constructor(reply: FastifyReply, left: AbortSignal) {
    this.#reply = reply;
    this.#left = left;
    this.#whenLeft = new Promise((resolve) => {
      left.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Fires when the client leaves before the stream has ended. */
  get signal(): AbortSignal {
    return this.#left;
  }

  /** Headers go out now, so that the client knows its turn before the first event. */
  open(): void {
    if (this.signal.aborted) return;
    // The plugin promises to keep every connection.
    if (!this.#reply.raw.shouldKeepAlive) this.#reply.header('connection', 'close');
    this.#reply.sse.sendHeaders();
    // Node keeps a head back until the first byte of the body, which for a late reader may be long in coming.
    this.#reply.raw.flushHeaders();
  }

  /** Writes frames, and waits while the client's socket is full. @returns false when the client has left */
  async send(frames: readonly SseFrame[]): Promise<boolean> {
    for (let at = 0; at < frames.length && !this.signal.aborted; at += FRAMES_AT_ONCE) {
      await this.#sendTogether(frames.slice(at, at + FRAMES_AT_ONCE));
    }
    return !this.signal.aborted;
  }

  async #sendTogether(frames: readonly SseFrame[]): Promise<void> {
    // Not corked here: Node joins what is written in a tick by itself, and a response that was corked can owe a
    // `drain` that its socket, never full, does not send.
    const written = Promise.all(frames.map((frame) => this.#reply.sse.send(frame).catch(() => {})));
    if (this.#reply.raw.writableNeedDrain) await this.#untilDrained(written);
  }

  async #untilDrained(written: Promise<unknown>): Promise<void> {
    const cut = setTimeout(() => this.#reply.raw.destroy(), STALLED_AFTER_MS);
    await Promise.race([written, this.#whenLeft]);
    clearTimeout(cut);
  }
}
