import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TurnwiseError } from '../errors.ts';
import { dialectAt } from './doors.ts';
import { sendError } from './error-reply.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/**
 * Notes which methods each route has, and answers the others with 405 and Allow, where Fastify would say 404.
 *
 * @returns adds those answers; to be called once all routes are there
 */
export function trackMethods(app: FastifyInstance): () => void {
  const methodsByUrl = new Map<string, Set<string>>();
  app.addHook('onRoute', (route) => {
    // `*` is the CORS plugin's answer to preflights of any path.
    if (route.url === '*' || route.url.startsWith('/docs')) return;
    const known = methodsByUrl.get(route.url) ?? new Set();
    for (const method of [route.method].flat()) known.add(method);
    methodsByUrl.set(route.url, known);
  });
  return () => {
    for (const [url, known] of [...methodsByUrl]) {
      const missing = METHODS.filter((method) => !known.has(method));
      if (missing.length === 0) continue;
      const allow = [...known].join(', ');
      const refuse = async (request: FastifyRequest, reply: FastifyReply) => {
        reply.header('allow', allow);
        return sendError(dialectAt(url), request, reply, new TurnwiseError('method_not_allowed'));
      };
      // Before the body is read: what is wrong with it does not matter here.
      app.route({ url, method: missing, schema: { hide: true }, onRequest: refuse, handler: refuse });
    }
  };
}
