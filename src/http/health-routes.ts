import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { RETRY_AFTER_SECONDS, TurnwiseError } from '../errors.ts';
import type { HttpDeps } from './http-deps.ts';
import { errorReplies } from './native/error-schemas.ts';
import { Health, PlainText, Status } from './native/schemas.ts';

/** /health must answer within a second, Redis or not. */
const HEALTH_TIMEOUT_MS = 800;

/** The state of this replica, for people, balancers and Prometheus. */
export function healthRoutes(deps: HttpDeps): FastifyPluginAsyncTypebox {
  const { inspection, settings } = deps;
  return async (app) => {
    app.get(
      '/health',
      { schema: { summary: 'Health', tags: ['operation'], response: { 200: Health, 503: Health } } },
      async (_request, reply) => {
        const store = await inspection.store(HEALTH_TIMEOUT_MS);
        const isHealthy = store !== null;
        if (!isHealthy) reply.header('retry-after', RETRY_AFTER_SECONDS);
        return reply.code(isHealthy ? 200 : 503).send({
          status: isHealthy ? 'healthy' : 'unhealthy',
          agent_initialized: true,
          session_count: store?.sessionCount ?? null,
          model: settings.model,
          demo_model: settings.isDemoModel,
          redis: store === null ? 'no answer' : store.isFull ? 'full' : 'ok',
          reconcile: isHealthy ? await inspection.lastReconcile() : null,
        });
      },
    );

    // Polled every half second by each balancer: not worth a line each.
    const quiet = { logLevel: 'warn' } as const;

    app.get(
      '/livez',
      {
        ...quiet,
        schema: { summary: 'The process is alive', tags: ['operation'], response: { 200: Status } },
      },
      async () => ({
        status: 'alive',
      }),
    );

    app.get(
      '/readyz',
      {
        ...quiet,
        schema: {
          summary: 'This replica should get traffic',
          tags: ['operation'],
          response: { 200: Status, ...errorReplies('draining') },
        },
      },
      async () => {
        const reason = await inspection.unreadyBecause();
        if (reason === 'draining') throw new TurnwiseError('draining');
        if (reason !== null) throw new TurnwiseError('redis_unavailable', { message: reason });
        return { status: 'ready' };
      },
    );

    app.get(
      '/metrics',
      { schema: { summary: 'Prometheus', tags: ['operation'], response: { 200: PlainText } } },
      async (_request, reply) => {
        const { contentType, text } = await inspection.metrics();
        return reply.type(contentType).send(text);
      },
    );
  };
}
