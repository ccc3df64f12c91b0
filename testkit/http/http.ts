import { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';

export interface RequestOptions {
  readonly method?: string;
  /** A string or bytes are sent unchanged, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: OutgoingHttpHeaders;
  /** Destroys the connection, like a client that disconnects. */
  readonly signal?: AbortSignal;
}

/** Sends a request on a new connection; resolves with the head of the response. */
export function openRequest(url: string, options: RequestOptions = {}): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { body, signal } = options;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const bytes = body === undefined || isRaw ? body : JSON.stringify(body);
  const headers: OutgoingHttpHeaders = {
    ...(bytes === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }),
    ...options.headers,
  };
  // No agent: a kept-alive socket of a killed replica would fail the next request to its port.
  const outgoing = request(url, {
    method: options.method ?? 'GET',
    headers,
    agent: false,
    ...(signal ? { signal } : {}),
  });
  outgoing.once('response', resolve);
  outgoing.on('error', reject);
  outgoing.end(bytes);
  return promise;
}

export interface Answer<Body> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed when it is JSON, else the text. */
  readonly body: Body;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Default 30000. */
  readonly timeoutMs?: number;
}

/**
 * Calls a JSON route.
 *
 * @throws   when the connection fails or breaks, or no complete reply came in time
 */
export async function call<Body = Record<string, unknown>>(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: OutgoingHttpHeaders = {},
  options: CallOptions = {},
): Promise<Answer<Body>> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  try {
    const response = await openRequest(`${url}${path}`, { method, body, headers, signal });
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: parseIfJson(await readText(response)) as Body,
    };
  } catch (error) {
    if (timeout.aborted)
      throw new Error(`no reply to ${method} ${path} in ${timeoutMs} ms`, { cause: error });
    throw error;
  }
}

export async function readText(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of response as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

export function parseIfJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export interface ErrorBody {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly request_id: string;
    readonly turn_id?: string;
    readonly stream_url?: string;
    readonly position?: number;
  };
}

/** The reply of POST /api/chat: either an answer or an error. */
export interface ChatBody extends Partial<ErrorBody> {
  readonly reply: string;
  readonly session_id: string;
  readonly turn_id: string;
  readonly message_count: number;
  readonly finish_reason: string;
  readonly usage: Readonly<Record<string, number>> | null;
}

export interface ChatExtra extends CallOptions {
  readonly onBusy?: string;
  readonly idempotencyKey?: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** Sends one message; without a conversation id the server makes one. */
export function chat(
  replica: { readonly url: string },
  conversationId: string | undefined,
  message: string,
  extra: ChatExtra = {},
): Promise<Answer<ChatBody>> {
  const { onBusy, idempotencyKey, headers, ...options } = extra;
  const body = { message, conversation_id: conversationId, on_busy: onBusy };
  const key = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
  return call(replica.url, 'POST', '/api/chat', body, { ...key, ...headers }, options);
}
