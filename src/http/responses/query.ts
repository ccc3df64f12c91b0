import { refused } from './fields.ts';

/** How a response is to be retrieved. */
export interface RetrieveOptions {
  readonly isStream: boolean;
  /** The number of the last frame that the client has; -1: none. */
  readonly startingAfter: number;
}

/** Reads the query of a retrieval; what else clients send with it changes nothing. @throws invalid_request */
export function readQuery(query: unknown): RetrieveOptions {
  const { stream = 'false', starting_after: after = '-1' } = query as Readonly<Record<string, unknown>>;
  if (stream !== 'true' && stream !== 'false') throw refused('stream', 'stream must be true or false');
  if (typeof after !== 'string' || !/^-1$|^\d{1,9}$/.test(after)) {
    throw refused('starting_after', 'starting_after must be the number of a frame');
  }
  return { isStream: stream === 'true', startingAfter: Number(after) };
}
