import createClient, { type Client } from 'openapi-fetch';
import type { paths } from './openapi.d.ts';

/** A client in which a route, a field or an error code that the server does not know does not compile. */
export function createTurnwise(
  baseUrl: string,
  headers: Readonly<Record<string, string>> = {},
): Client<paths> {
  return createClient<paths>({ baseUrl, headers: { ...headers } });
}
