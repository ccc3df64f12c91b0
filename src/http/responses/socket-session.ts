import type { WebSocket } from '@fastify/websocket';
import type { FastifyRequest } from 'fastify';
import type { PlacedEvent, TurnEvent } from '../../conversation/events.ts';
import { Transcript } from '../../conversation/transcript.ts';
import { TurnwiseError } from '../../errors.ts';
import type { TurnFrames } from '../door/dialect.ts';
import type { Readers } from '../door/readers.ts';
import { streamTurn } from '../door/stream-turn.ts';
import { publicError } from '../error-reply.ts';
import type { HttpDeps } from '../http-deps.ts';
import { type BegunResponse, beginResponse } from './begin-response.ts';
import { errorToJson, RESPONSE_ERRORS } from './error-table.ts';
import { Fields, refused } from './fields.ts';
import { LocalChains } from './local-chains.ts';
import { responseFrames } from './response-frames.ts';
import { RESPONSES } from './responses-dialect.ts';
import { SocketSink } from './socket-sink.ts';

/** Requests that may wait for those before them on one connection. */
const MOST_WAITING = 16;

/** Fields of HTTP, which mean nothing here. */
const OF_HTTP = ['stream', 'stream_options', 'background'];

/** One connection: each request is answered when the one before it has ended. */
export class SocketSession {
  readonly #deps: HttpDeps;
  readonly #readers: Readers;
  readonly #socket: WebSocket;
  readonly #request: FastifyRequest;
  readonly #closed = new AbortController();
  readonly #chains: LocalChains;
  readonly #waiting: (string | null)[] = [];
  #isBusy = false;
  #isOver = false;

  constructor(deps: HttpDeps, readers: Readers, socket: WebSocket, request: FastifyRequest) {
    this.#deps = deps;
    this.#readers = readers;
    this.#socket = socket;
    this.#request = request;
    this.#chains = new LocalChains(deps.settings.maxBodyBytes);
    socket.once('close', () => this.#closed.abort());
    // What is wrong with a frame closes the connection, which is all that need be known.
    socket.on('error', () => {});
  }

  /** @param text  of a message; null: it was binary */
  take(text: string | null): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#sendError(
        new TurnwiseError('queue_full', { message: 'too many requests wait on this connection' }),
      );
      return;
    }
    this.#waiting.push(text);
    if (!this.#isBusy) void this.#work();
  }

  /** No response begins on this connection any more; it closes after the one in progress. */
  endOfTime(): void {
    this.#isOver = true;
    if (!this.#isBusy) this.#close();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    for (let text = this.#waiting.shift(); text !== undefined; text = this.#waiting.shift()) {
      if (this.#isOver || this.#closed.signal.aborted) break;
      await this.#answer(text);
    }
    this.#isBusy = false;
    if (this.#isOver) this.#close();
  }

  async #answer(text: string | null): Promise<void> {
    let previous: string | null = null;
    try {
      const leave = this.#readers.enter();
      try {
        const body = readMessage(text);
        previous = previousIn(body);
        const chain = (id: string) => this.#chains.get(id);
        const hasFailed = await this.#stream(await beginResponse(this.#deps, this.#request, body, chain));
        if (hasFailed && previous !== null) this.#chains.forget(previous);
      } finally {
        leave();
      }
    } catch (error) {
      // What cannot be continued so must not be continued another way, as if nothing had happened.
      if (previous !== null) this.#chains.forget(previous);
      const known = publicError(error);
      if (known.status >= 500) this.#request.log.error({ err: error, code: known.code }, 'request failed');
      this.#sendError(known);
    }
  }

  /** @returns whether it failed after its first frame */
  async #stream({ source, head, isStored, input }: BegunResponse): Promise<boolean> {
    const transcript = new Transcript();
    let last: TurnEvent['type'] | null = null;
    const frames = responseFrames(head, { failsAs: 'status', form: 'messages' });
    const heard: TurnFrames = {
      after: frames.after,
      cut: (error) => frames.cut(error),
      of: (placed: PlacedEvent) => {
        transcript.add(placed.event);
        last = placed.event.type;
        return frames.of(placed);
      },
    };
    const sink = new SocketSink(this.#socket, this.#closed.signal);
    await streamTurn(this.#deps, this.#readers, RESPONSES, source, heard, sink);
    const end: TurnEvent['type'] | null = last;
    if (!isStored && end === 'done') {
      this.#chains.put(head.id, [...input, ...transcript.messages({ keepsReasoning: false })]);
    }
    return end === 'error';
  }

  #close(): void {
    const code = 'websocket_connection_limit_reached';
    const message = 'The connection has lasted for an hour: open another one.';
    this.#sendError(new TurnwiseError('invalid_request', { message, details: { dialect_code: code } }));
    this.#socket.close(1000, code);
  }

  #sendError(error: TurnwiseError): void {
    if (this.#closed.signal.aborted) return;
    const { status } = RESPONSE_ERRORS[error.code];
    this.#socket.send(JSON.stringify({ type: 'error', status, error: errorToJson(error) }));
  }
}

/** @returns what asks for a response. @throws invalid_request */
function readMessage(text: string | null): Readonly<Record<string, unknown>> {
  const message = new Fields(text === null ? null : parsed(text), '');
  if (message.text('type') !== 'response.create') throw refused('type', 'type must be response.create');
  for (const name of OF_HTTP) {
    if (message.has(name)) throw refused(name, `${name} has no meaning on a WebSocket`);
  }
  const { type: _, ...body } = message.all;
  return body;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TurnwiseError('invalid_request', { message: 'the message is not JSON', cause });
  }
}

function previousIn(body: Readonly<Record<string, unknown>>): string | null {
  const { previous_response_id: id } = body;
  return typeof id === 'string' ? id : null;
}
