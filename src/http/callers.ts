import type { FastifyInstance, FastifyRequest } from 'fastify';
import { anonymous, type Caller } from '../conversation/caller.ts';

const callers = new WeakMap<FastifyRequest, Caller>();

/** Identifies the caller, before anything else of a request is looked at. */
export function identifyCallers(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    callers.set(request, anonymous(request.ip));
  });
}

export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error('a route was reached without a caller');
  return caller;
}
