import type { FastifyRequest } from 'fastify';
import { ON_BUSY, type OnBusy } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';

/** What a request does while its conversation is busy: as the header X-On-Busy asks. @throws invalid_request */
export function onBusyOf(request: FastifyRequest, otherwise: OnBusy): OnBusy {
  const given = request.headers['x-on-busy'];
  if (given === undefined) return otherwise;
  const known = ON_BUSY.find((one) => one === given);
  if (known === undefined) {
    throw new TurnwiseError('invalid_request', { message: `X-On-Busy must be one of ${ON_BUSY.join(', ')}` });
  }
  return known;
}
