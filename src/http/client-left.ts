import type { FastifyReply } from 'fastify';

/** Fires when the client leaves before its answer has ended. */
export function clientLeft(reply: FastifyReply): AbortSignal {
  const left = new AbortController();
  const mark = () => {
    if (!reply.raw.writableEnded) left.abort();
  };
  // Not request.signal: on a POST with a body it fires at once.
  if (reply.raw.destroyed) mark();
  else reply.raw.once('close', mark);
  return left.signal;
}
