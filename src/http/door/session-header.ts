import type { FastifyRequest } from 'fastify';
import { TurnwiseError } from '../../errors.ts';

/**
 * The conversation that a request names in a header, for clients whose protocol has no place for it.
 *
 * @param names  of the headers, in lower case
 * @returns null when there is none; front ends send an empty one before a conversation has an id
 * @throws invalid_request when there are several and they differ
 */
export function sessionHeaderOf(request: FastifyRequest, names: readonly string[]): string | null {
  const given = names.flatMap((name) => request.raw.headersDistinct[name] ?? []).map((id) => id.trim());
  const [id = null, ...others] = new Set(given.filter((one) => one !== ''));
  if (others.length > 0) {
    throw new TurnwiseError('invalid_request', { message: 'the headers name more than one session' });
  }
  return id;
}
