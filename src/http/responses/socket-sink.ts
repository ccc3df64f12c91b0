import type { WebSocket } from '@fastify/websocket';
import type { TurnSink } from '../door/dialect.ts';

/** Unsent characters past which an answer is held back. */
const FULL = 1_048_576;

/** A client that takes nothing for this long is disconnected. */
const STALLED_AFTER_MS = 60_000;

/** One response on a WebSocket. */
export class SocketSink implements TurnSink {
  readonly #socket: WebSocket;
  readonly signal: AbortSignal;
  #isOpen = false;

  /** @param signal  fires when the connection closes */
  constructor(socket: WebSocket, signal: AbortSignal) {
    this.#socket = socket;
    this.signal = signal;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  // A socket has no head.
  open(): void {}

  cancel(): void {}

  send(frames: readonly string[]): void | Promise<void> {
    if (this.signal.aborted || frames.length === 0) return;
    this.#isOpen = true;
    const last = frames.length - 1;
    for (const frame of frames.slice(0, last)) this.#socket.send(frame);
    if (this.#socket.bufferedAmount < FULL) {
      this.#socket.send(frames[last] ?? '');
      return;
    }
    return new Promise((resolve) => {
      const cut = setTimeout(() => this.#socket.terminate(), STALLED_AFTER_MS);
      this.#socket.send(frames[last] ?? '', () => {
        clearTimeout(cut);
        resolve();
      });
    });
  }
}
