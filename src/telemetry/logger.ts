import { type DestinationStream, type Logger, pino } from 'pino';
import { loggedError } from './logged-error.ts';

/**
 * Logs as JSON lines, by default to standard output. They hold ids and codes, never what people say: no message text,
 * no key, no query string.
 */
export function makeLogger(
  level: string,
  replicaId: string,
  destination: DestinationStream = pino.destination(1),
): Logger {
  const options = {
    level,
    base: { replica: replicaId },
    serializers: {
      req: (request: { method: string; url: string; id: string }) => ({
        method: request.method,
        path: request.url.split('?')[0],
        id: request.id,
      }),
      res: (reply: { statusCode: number }) => ({ status: reply.statusCode }),
      err: (error: unknown) => loggedError(error),
    },
  };
  return pino(options, destination);
}
