import { ApiError, errorOf } from './errors.ts';

export interface Place {
  /** Without a slash at its end. */
  readonly apiUrl: string;
  /** Sent as `Authorization: Bearer`, never in an address. */
  readonly key: () => string | null;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends one request.
 *
 * @throws ApiError for every answer that is no success; the signal's own error when it is aborted
 */
export async function send(place: Place, path: string, call: Call = {}): Promise<Response> {
  const key = place.key();
  const headers: Record<string, string> = { ...call.headers };
  if (key !== null) headers.authorization = `Bearer ${key}`;
  if (call.body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(place.apiUrl + path, {
      method: call.method ?? 'GET',
      headers,
      body: call.body === undefined ? null : JSON.stringify(call.body),
      cache: 'no-store',
      credentials: 'omit',
      signal: call.signal ?? null,
    });
  } catch (cause) {
    call.signal?.throwIfAborted();
    throw new ApiError('unreachable', 0, null, { cause });
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** Longest wait for an answer that is no stream. */
const ANSWER_WITHIN_MS = 20_000;

/** @throws ApiError */
export async function ask<T>(place: Place, path: string, call: Call = {}): Promise<T> {
  const timeout = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const signal = call.signal ? AbortSignal.any([timeout, call.signal]) : timeout;
  try {
    const response = await send(place, path, { ...call, signal });
    return (await response.json()) as T;
  } catch (error) {
    if (error instanceof ApiError || call.signal?.aborted) throw error;
    throw new ApiError(timeout.aborted ? 'unreachable' : 'bad_answer', 0, null, { cause: error });
  }
}
