import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { UNBUILT_PAGE } from './unbuilt-page.ts';

/** Where the build puts the page, beside the folder of the built server. */
const PAGE_FOLDER = join(import.meta.dirname, '../../web/dist');

/** The client of the API as a module: pages of any origin may import it. */
const CLIENT_FILE = 'client.js';

/** Names under it hold a hash of their content, so a fetched file is good for ever. */
const HASHED = /[\\/]assets[\\/][^\\/]+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$/;

export interface WebSettings {
  readonly host: string;
  readonly port: number;
  /** Where the page finds the API, as a browser sees it. */
  readonly apiUrl: string;
  /** Another folder than the built one. */
  readonly folder?: string;
}

/** `web`: serves the chat page until a signal stops it. */
export async function serveWeb(settings: WebSettings): Promise<void> {
  const app = buildWeb(settings);
  const url = await app.listen({ host: settings.host, port: settings.port });
  process.stdout.write(`chat page on ${url}, talks to ${settings.apiUrl}\n`);
  const stop = () => {
    app.close().finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** The page's server, not yet listening. */
export function buildWeb(settings: WebSettings): FastifyInstance {
  const folder = settings.folder ?? PAGE_FOLDER;
  const app = fastify({ forceCloseConnections: true });
  const policy = contentSecurityPolicy(new URL(settings.apiUrl).origin);
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    });
  });
  app.get('/livez', (_request, reply) => uncached(reply).send({ status: 'alive' }));
  app.get('/config.json', (_request, reply) => uncached(reply).send({ apiUrl: settings.apiUrl }));
  app.setNotFoundHandler((_request, reply) =>
    uncached(reply).code(404).type('text/plain').send('Not found\n'),
  );
  if (existsSync(join(folder, 'index.html'))) {
    app.register(fastifyStatic, {
      root: folder,
      dotfiles: 'deny',
      cacheControl: false,
      setHeaders: (reply, path) => {
        // All else is revalidated each time, with a 304 while its ETag holds.
        const isForEver = HASHED.test(path);
        reply.header('cache-control', isForEver ? 'public, max-age=31536000, immutable' : 'no-cache');
        if (basename(path) === CLIENT_FILE) reply.header('access-control-allow-origin', '*');
      },
    });
  } else {
    app.get('/', (_request, reply) => uncached(reply).type('text/html; charset=utf-8').send(UNBUILT_PAGE));
  }
  return app;
}

/** The page comes whole from here, and talks only to the API. */
function contentSecurityPolicy(apiOrigin: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    // Pictures that came with a message, as the message holds them; no request leaves for one.
    "img-src 'self' data:",
    "font-src 'self'",
    "manifest-src 'self'",
    `connect-src 'self' ${apiOrigin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function uncached(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store');
}
