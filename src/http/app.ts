import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import cors from '@fastify/cors';
import { fastifySSE } from '@fastify/sse';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import websocket from '@fastify/websocket';
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { TurnwiseError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { readBodies } from './bodies.ts';
import { BrokenRequests } from './broken-requests.ts';
import { identifyCallers } from './callers.ts';
import type { Door } from './door/dialect.ts';
import { Readers } from './door/readers.ts';
import { DOORS, dialectAt } from './doors.ts';
import { installErrorReplies, publicError, sendError } from './error-reply.ts';
import { healthRoutes } from './health-routes.ts';
import type { HttpDeps } from './http-deps.ts';
import { trackMethods } from './method-not-allowed.ts';
import { NATIVE } from './native/native-dialect.ts';

/** A request that has not arrived whole after this time is refused; Node checks so seldom that it takes up to 30 s. */
const REQUEST_TIMEOUT_MS = 25_000;
const TIMEOUT_CHECK_MS = 5000;

/** What a caller may send along to find its request in the log. */
const REQUEST_ID = /^[A-Za-z0-9-]{1,64}$/;

/** On plain HTTP the page could not load its own scripts otherwise, except on loopback. */
function withoutUpgrade(policy: string): string {
  return policy.replace(/;?\s*upgrade-insecure-requests/, '');
}

/** A number says how many proxies are in front; Fastify wants that as a function of the hop. */
function trustOf(setting: boolean | number | string) {
  return typeof setting === 'number' ? (_address: string, hop: number) => hop < setting : setting;
}

/** The server with all routes, not yet listening. */
export async function buildApp(
  deps: HttpDeps,
  logger: FastifyBaseLogger,
  doors: readonly Door[] = DOORS,
): Promise<FastifyInstance> {
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
      customOptions: {
        ...{ coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false },
        // A message is a text or a list of parts, each identified by its type.
        ...{ allowUnionTypes: true, discriminator: true },
      },
    },
    // Longer ones are refused by the schema, in our own words; the request line is bounded by Node.
    routerOptions: { maxParamLength: 20_000 },
    http: {
      // Node's own refusal has no body.
      requireHostHeader: false,
      // Other upgrades are offers that are not taken up: some clients make one with every request.
      shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      // Node uses the longer of its two timeouts for the body, so both are set.
      headersTimeout: REQUEST_TIMEOUT_MS,
    },
    clientErrorHandler: (error, socket) => broken.answer(error, socket),
    frameworkErrors: (error, request, reply) => {
      void sendError(dialectAt(request.url), request, reply, publicError(error));
    },
    requestTimeout: REQUEST_TIMEOUT_MS,
    // An answer takes as long as its turn; silence on an idle connection is bounded below.
    connectionTimeout: 0,
    // Longer than the minute after which most balancers close an idle connection: they close it, not we.
    keepAliveTimeout: 72_000,
    maxRequestsPerSocket: 0,
    // The shutdown ends open streams in its own order.
    forceCloseConnections: 'idle',
    pluginTimeout: 30_000,
    // Fastify's own reply while it closes is not in our shape; ours is `draining`.
    return503OnClosing: false,
  }).withTypeProvider<TypeBoxTypeProvider>();

  broken.watch(app.server);
  identifyCallers(app);
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
  installErrorReplies(app, NATIVE);
  app.setNotFoundHandler((request, reply) =>
    sendError(dialectAt(request.url), request, reply, new TurnwiseError('not_found')),
  );
  const addMissingMethods = trackMethods(app);

  await app.register(cors, {
    origin: [...settings.corsOrigins],
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    exposedHeaders: ['X-Session-ID', 'X-Turn-ID', 'X-Request-ID', 'Retry-After', 'X-Should-Retry'],
    maxAge: 600,
    // An OPTIONS request that is not a preflight gets our own reply.
    strictPreflight: false,
  });
  // Heartbeats are those of SseSink.
  await app.register(fastifySSE, { heartbeatInterval: 0 });
  await app.register(websocket, { options: { maxPayload: settings.maxBodyBytes } });
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
  for (const door of doors) await app.register(door(deps, readers));
  await app.register(healthRoutes(deps));
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  addMissingMethods();
  return app;
}
