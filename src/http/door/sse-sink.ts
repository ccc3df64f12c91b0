import type { FastifyReply } from 'fastify';
import { clientLeft } from '../client-left.ts';
import { chunkOf, writeInOneGo } from './chunks.ts';
import type { TurnSink } from './dialect.ts';
import { keepBeating } from './heartbeats.ts';

/** Most that is written at once: with more, a stalled client would cause copies of much that it never takes. */
const WRITE_CHARACTERS = 16_384;

/** A proxy may give up a request without a head; heartbeats come only after it. */
const OPEN_AFTER_MS = 5000;

/** A client that takes nothing for this long is disconnected; it can resume. */
const STALLED_AFTER_MS = 60_000;

const HEARTBEAT = [': heartbeat\n\n'];

/**
 * One client's end of an event stream. The head is that of @fastify/sse. Frames go past it, because its `send` renders each
 * anew, and never settles once a client that stalled has gone; its heartbeats keep a timer for each client, and write
 * to those that stalled.
 */
export class SseSink implements TurnSink {
  readonly #reply: FastifyReply;
  readonly #opens: 'at-once' | 'at-first-frame';
  readonly signal: AbortSignal;
  #isOpen = false;
  #opening: NodeJS.Timeout | undefined;

  /** @param opens  at the first frame, an error before it is a status; while a turn waits, the head comes after 5 s */
  constructor(reply: FastifyReply, opens: 'at-once' | 'at-first-frame' = 'at-once') {
    this.#reply = reply;
    this.#opens = opens;
    this.signal = clientLeft(reply);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    if (this.#opens === 'at-once') this.#open();
    else this.#opening = setTimeout(() => this.#open(), OPEN_AFTER_MS);
  }

  /** Nothing will be sent: the reply is another one. */
  cancel(): void {
    clearTimeout(this.#opening);
  }

  #open(): void {
    clearTimeout(this.#opening);
    if (this.signal.aborted || this.#isOpen) return;
    this.#isOpen = true;
    const { raw } = this.#reply;
    // The plugin promises keep-alive on every connection.
    if (!raw.shouldKeepAlive) this.#reply.header('connection', 'close');
    this.#reply.sse.sendHeaders();
    // Node holds a head back until the first byte of the body, which may be long in coming for a late reader.
    raw.flushHeaders();
    raw.once('close', keepBeating(this));
  }

  /** A client that stalls is not dead, and has enough to read. */
  beat(): void {
    const { raw } = this.#reply;
    if (!raw.writableEnded && raw.socket?.writableNeedDrain !== true) this.#write(HEARTBEAT);
  }

  send(frames: readonly string[]): void | Promise<void> {
    if (!this.#isOpen && frames.length > 0) this.#open();
    for (let at = 0; at < frames.length && !this.signal.aborted; ) {
      const end = endOfPiece(frames, at);
      // As it came, when it can be: its bytes are then shared.
      const hasRoom = this.#write(at === 0 && end === frames.length ? frames : frames.slice(at, end));
      if (!hasRoom) return this.#untilDrained().then(() => this.send(frames.slice(end)));
      at = end;
    }
  }

  /**
   * Past the response, to its socket: the response makes three writes of each, and encodes them anew for each client.
   *
   * @returns whether there is room for more
   */
  #write(frames: readonly string[]): boolean {
    const { raw } = this.#reply;
    // HTTP/1.0 has no chunks; a response that waits behind another on its connection has no socket yet.
    if (raw.socket === null || !raw.chunkedEncoding) return raw.write(frames.join(''));
    return writeInOneGo(raw.socket, chunkOf(frames));
  }

  #untilDrained(): Promise<void> {
    const { raw } = this.#reply;
    const drains = raw.writableNeedDrain ? raw : (raw.socket ?? raw);
    const { promise, resolve } = Promise.withResolvers<void>();
    const cut = setTimeout(() => raw.destroy(), STALLED_AFTER_MS);
    const settle = () => {
      clearTimeout(cut);
      drains.off('drain', settle);
      this.signal.removeEventListener('abort', settle);
      resolve();
    };
    drains.on('drain', settle);
    this.signal.addEventListener('abort', settle);
    return promise;
  }
}

/** Whole frames that are written at once: as many as fit, and at least one. */
function endOfPiece(frames: readonly string[], from: number): number {
  let [end, characters] = [from, 0];
  do {
    characters += frames[end]?.length ?? 0;
    end += 1;
  } while (end < frames.length && characters < WRITE_CHARACTERS);
  return end;
}

/** One event as its bytes on the wire; `data` is JSON, which holds no line break, so nothing in it can forge a line. */
export function sseFrame({ id, event, data }: { id?: string; event?: string; data: string }): string {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
  return `${head}data: ${data}\n\n`;
}
