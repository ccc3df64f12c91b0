import { randomUUID } from 'node:crypto';
import cors from '@fastify/cors';
import { fastifySSE } from '@fastify/sse';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { TurnwiseError } from './errors.ts';
import { readBodies } from './http/bodies.ts';
import { BrokenRequests } from './http/broken-requests.ts';
import { installErrorReplies, publicError, sendError } from './http/error-reply.ts';
import type { HttpDeps } from './http/http-deps.ts';
import { trackMethods } from './http/method-not-allowed.ts';
import { chatRoutes } from './http/routes/chat.ts';
import { healthRoutes } from './http/routes/health.ts';
import { sessionRoutes } from './http/routes/sessions.ts';
import { turnRoutes } from './http/routes/turns.ts';
import { Readers } from './http/turn-stream.ts';
import { VERSION } from './version.ts';

/** Comments that keep proxies from taking a silent stream for a dead one. */
const HEARTBEAT_MS = 15_000;

/** A request that has not arrived whole after this time is refused; Node looks so often, so by 30 s it is. */
const REQUEST_TIMEOUT_MS = 25_000;
const TIMEOUT_CHECK_MS = 5000;

/** What a caller may send along to find its request in the log. */
const REQUEST_ID = /^[A-Za-z0-9-]{1,64}$/;

/** On plain HTTP the page could not load its own scripts otherwise, except on loopback. */
function withoutUpgrade(policy: string): string {
  return policy.replace(/;?\s*upgrade-insecure-requests/, '');
}

/** A number says how many proxies stand in front; Fastify wants that as a function of the hop. */
function trustOf(setting: boolean | number | string) {
  return typeof setting === 'number' ? (_address: string, hop: number) => hop < setting : setting;
}

/** The server with all routes, not yet listening. */
export async function buildApp(deps: HttpDeps, logger: FastifyBaseLogger): Promise<FastifyInstance> {
  const { settings } = deps;
  const broken = new BrokenRequests();
  const app = fastify({
    loggerInstance: logger,
    bodyLimit: settings.maxBodyBytes,
    ...(settings.trustProxy === undefined ? {} : { trustProxy: trustOf(settings.trustProxy) }),
    requestIdHeader: false,
    genReqId: (raw) => {
      const given = raw.headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    // Nothing is coerced: a number where a string belongs is a mistake of the caller, not ours to guess at.
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false },
    },
    // Longer ones are refused by the schema, in our own words; the request line is bounded by Node.
    routerOptions: { maxParamLength: 20_000 },
    http: {
      // Node's own refusal has no body.
      requireHostHeader: false,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // Of two times Node takes the longer for the body, whichever it was set for.
      headersTimeout: REQUEST_TIMEOUT_MS,
    },
    clientErrorHandler: (error, socket) => broken.answer(error, socket),
    frameworkErrors: (error, request, reply) => {
      void sendError(request, reply, publicError(error));
    },
    requestTimeout: REQUEST_TIMEOUT_MS,
    // An answer takes as long as its turn; silence on an idle connection is bounded below.
    connectionTimeout: 0,
    // Longer than the minute after which most balancers close an idle connection: they close it, not we.
    keepAliveTimeout: 72_000,
    maxRequestsPerSocket: 0,
    // Open streams end by the shutdown's own order.
    forceCloseConnections: 'idle',
    pluginTimeout: 30_000,
    // Its own answer while it closes is not in our shape; ours is `draining`.
    return503OnClosing: false,
  }).withTypeProvider<TypeBoxTypeProvider>();

  broken.watch(app.server);
  readBodies(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    if (request.headers.host === undefined && request.raw.httpVersion === '1.1') {
      throw new TurnwiseError('invalid_request', { message: 'the Host header is missing' });
    }
  });
  // Event streams have their own rule and do not pass here.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    done();
  });
  installErrorReplies(app);
  const addMissingMethods = trackMethods(app);

  await app.register(cors, {
    origin: [...settings.corsOrigins],
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    exposedHeaders: ['X-Session-ID', 'X-Turn-ID', 'X-Request-ID', 'Retry-After'],
    maxAge: 600,
    // An OPTIONS that is no preflight gets our own answer.
    strictPreflight: false,
  });
  await app.register(fastifySSE, { heartbeatInterval: HEARTBEAT_MS });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Turnwise',
        version: VERSION,
        description: 'Every conversation apart, in order and safe, on as many replicas as you like.',
      },
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP: withoutUpgrade,
  });

  const readers = new Readers(settings.maxStreams, deps.streamsOpen);
  await app.register(chatRoutes(deps, readers));
  await app.register(turnRoutes(deps, readers));
  await app.register(sessionRoutes(deps));
  await app.register(healthRoutes(deps));
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  addMissingMethods();
  return app;
}
