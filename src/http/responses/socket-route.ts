import type { WebSocket } from '@fastify/websocket';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { TurnwiseError } from '../../errors.ts';
import type { Readers } from '../door/readers.ts';
import type { HttpDeps } from '../http-deps.ts';
import { SocketSession } from './socket-session.ts';

/** Keeps proxies from taking an idle connection for a dead one, and finds those that are. */
const PING_EVERY_MS = 15_000;

/** The specification's bound for one connection. */
const LASTS_MS = 3_600_000;

/** `/v1/responses` as a WebSocket: one response after the other. */
export function socketRoute(deps: HttpDeps, readers: Readers): FastifyPluginAsync {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/v1/responses',
      exposeHeadRoute: false,
      schema: { hide: true },
      onRequest: async (request, reply) => {
        if (request.ws !== true) {
          reply.header('allow', 'POST');
          throw new TurnwiseError('method_not_allowed');
        }
        checkOrigin(request, deps.settings.corsOrigins);
      },
      handler: () => {},
      wsHandler: (socket, request) => {
        const session = new SocketSession(deps, readers, socket, request);
        socket.on('message', (data: Buffer, isBinary: boolean) =>
          session.take(isBinary ? null : data.toString()),
        );
        keepAlive(socket);
        const limit = setTimeout(() => session.endOfTime(), LASTS_MS);
        socket.once('close', () => clearTimeout(limit));
      },
    });
  };
}

/** Pages on other sites could use the credentials of their reader: a browser says where a page is from. */
function checkOrigin(request: FastifyRequest, allowed: readonly string[]): void {
  const { origin } = request.headers;
  if (origin !== undefined && !allowed.includes(origin)) {
    throw new TurnwiseError('forbidden', { message: 'Pages of this origin may not connect.' });
  }
}

function keepAlive(socket: WebSocket): void {
  let isAlive = true;
  socket.on('pong', () => {
    isAlive = true;
  });
  const timer = setInterval(() => {
    if (!isAlive) socket.terminate();
    isAlive = false;
    socket.ping();
  }, PING_EVERY_MS);
  socket.once('close', () => clearInterval(timer));
}
