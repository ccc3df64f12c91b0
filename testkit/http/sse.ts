import type { IncomingHttpHeaders } from 'node:http';
import { openRequest, parseIfJson, type RequestOptions, readText } from './http.ts';
import { createSseParser } from './parse-sse.ts';

export interface SseEvent {
  readonly id: string | undefined;
  readonly event: string;
  /** Parsed when it is JSON, else the text. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** A client of an event stream, on a real socket. */
export interface SseReader extends AsyncIterable<SseEvent> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** All received events, read or not. */
  readonly events: readonly SseEvent[];
  readonly comments: number;
  /** `terminal` after done, cancelled or error and the end of the body; otherwise `cut`. */
  readonly ended: 'terminal' | 'cut' | undefined;
  /** The next event, undefined at the end; fails after `timeoutMs` (default 10000) without one. */
  next(timeoutMs?: number): Promise<SseEvent | undefined>;
  /** Reads up to the next event of this name and returns it; fails when the stream ends before. */
  until(event: string, timeoutMs?: number): Promise<SseEvent>;
  /** Reads to the end; returns all events. */
  all(timeoutMs?: number): Promise<readonly SseEvent[]>;
  /** The text of all deltas so far. */
  text(): string;
  /** The body of a reply that is not an event stream, such as a refusal. */
  json(): Promise<unknown>;
  /** Disconnects, like a client whose process dies. */
  destroy(): void;
  /** Stops reading the socket, so that the sender's buffers fill. */
  pause(): void;
  resume(): void;
}

const terminalEvents = new Set(['done', 'cancelled', 'error']);

/** Opens an event stream; resolves with its head, before the first event. */
export async function openStream(url: string, options: RequestOptions = {}): Promise<SseReader> {
  const headers = { accept: 'text/event-stream', ...options.headers };
  const response = await openRequest(url, { ...options, headers });
  const isStream = response.headers['content-type']?.startsWith('text/event-stream') ?? false;
  const parser = createSseParser();
  const decoder = new TextDecoder();
  const events: SseEvent[] = [];
  let ended: 'terminal' | 'cut' | undefined;
  let readCount = 0;
  let news = Promise.withResolvers<void>();
  const tell = () => {
    news.resolve();
    news = Promise.withResolvers<void>();
  };

  if (isStream) {
    response.on('data', (bytes: Buffer) => {
      for (const { id, event, data } of parser.push(decoder.decode(bytes, { stream: true }))) {
        events.push({ id, event, data: parseIfJson(data) as SseEvent['data'] });
      }
      tell();
    });
    // A broken socket also closes, which is handled below.
    response.on('error', () => undefined);
    response.once('close', () => {
      ended = response.complete && terminalEvents.has(events.at(-1)?.event ?? '') ? 'terminal' : 'cut';
      tell();
    });
  }

  const next = async (timeoutMs = 10_000): Promise<SseEvent | undefined> => {
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const seen = () => `seen: ${events.map((event) => event.event).join(' ') || 'none'}`;
    const timer = setTimeout(() => reject(new Error(`no event in ${timeoutMs} ms; ${seen()}`)), timeoutMs);
    try {
      while (readCount === events.length && ended === undefined && isStream) {
        await Promise.race([news.promise, timeout]);
      }
    } finally {
      clearTimeout(timer);
    }
    const event = events[readCount];
    if (event !== undefined) readCount += 1;
    return event;
  };
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    get comments() {
      return parser.comments;
    },
    get ended() {
      return ended;
    },
    next,
    async until(name, timeoutMs) {
      for (;;) {
        const event = await next(timeoutMs);
        if (event?.event === name) return event;
        if (event === undefined) {
          const seen = events.map((one) => one.event).join(' ') || 'none';
          throw new Error(`the stream ended (${ended ?? 'no stream'}) before ${name}; seen: ${seen}`);
        }
      }
    },
    async all(timeoutMs) {
      while ((await next(timeoutMs)) !== undefined);
      return events;
    },
    text: () =>
      events
        .filter((event) => event.event === 'delta')
        .map((event) => event.data.content)
        .join(''),
    json: async () => (isStream ? undefined : parseIfJson(await readText(response))),
    destroy: () => void response.destroy(),
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    async *[Symbol.asyncIterator]() {
      for (let event = await next(); event !== undefined; event = await next()) yield event;
    },
  };
}
