import OpenAI from 'openai';
import { type Dispatcher, EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';

/** Where a model is, and how to get there. */
export interface ModelServer {
  readonly baseUrl: string | undefined;
  readonly apiKey: string | undefined;
  readonly proxies: ModelProxies;
  /** Longest event of a stream, or answer that is not a stream. */
  readonly maxEventBytes: number;
  /** Longest reply of any kind, where no stream is requested. */
  readonly maxReplyBytes?: number;
}

/** HTTP proxies by the scheme of the model's URL, and the hosts that need none, with commas. */
export interface ModelProxies {
  readonly http: string | undefined;
  readonly https: string | undefined;
  readonly none: string | undefined;
}

/** What all calls to `/chat/completions` have in common. */
interface CallTarget {
  readonly origin: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ModelConnection {
  /** Defines URL and headers, and makes the requests that are not model calls. */
  readonly client: OpenAI;
  readonly dispatcher: Dispatcher;
  readonly call: CallTarget;
  readonly maxEventBytes: number;
  close(): Promise<void>;
}

/** A model on this host is not behind a proxy, whatever the environment says. */
const LOOPBACK = 'localhost,127.0.0.1,[::1]';

export async function connectToModel(server: ModelServer): Promise<ModelConnection> {
  const dispatcher = openDispatcher(server);
  const client = new OpenAI({
    // A self-hosted server often needs no key, but the SDK insists on one.
    apiKey: server.apiKey ?? 'none',
    ...(server.baseUrl === undefined ? {} : { baseURL: server.baseUrl }),
    maxRetries: 0,
    fetch: fetchWith(dispatcher),
    logLevel: 'off',
  });
  const { url, req } = await client.buildRequest({ method: 'post', path: '/chat/completions', body: {} });
  const { origin, pathname, search } = new URL(url);
  return {
    client,
    dispatcher,
    call: {
      origin,
      path: `${pathname}${search}`,
      // Compressed bytes could unpack to any number.
      headers: { ...Object.fromEntries(req.headers as Headers), 'accept-encoding': 'identity' },
    },
    maxEventBytes: server.maxEventBytes,
    close: () => dispatcher.destroy(),
  };
}

/** Every option of undici that has to do with failure, time or size; the reasons are in docs/decisions/0014. */
function openDispatcher({ proxies, maxReplyBytes = -1 }: ModelServer): Dispatcher {
  return new EnvHttpProxyAgent({
    // Set even when empty, or undici reads the environment itself, which is read in one place.
    httpProxy: proxies.http ?? '',
    httpsProxy: proxies.https ?? proxies.http ?? '',
    noProxy: [LOOPBACK, proxies.none].filter(Boolean).join(','),
    // Many proxies tunnel only to port 443, but forward plain HTTP.
    proxyTunnel: false,
    connect: { timeout: 10_000 },
    // Half a minute, unless the server says in `Keep-Alive` how long it keeps a connection.
    keepAliveTimeout: 30_000,
    keepAliveMaxTimeout: 300_000,
    // A name may resolve to another address by now.
    clientTtl: 300_000,
    pipelining: 1,
    connections: null,
    allowH2: false,
    // Silence is measured by the core, which knows what a turn may take.
    bodyTimeout: 0,
    headersTimeout: 0,
    maxResponseSize: maxReplyBytes,
    // Some gateways send tens of kilobytes of trace headers; an overflow comes after the model has worked.
    maxHeaderSize: 131_072,
  });
}

/** @returns a fetch that never follows a redirect: only the settings say where the model is */
function fetchWith(dispatcher: Dispatcher): typeof fetch {
  // undici's own types and Node's global ones describe the same objects under two names.
  const send = undiciFetch as unknown as (
    input: string | URL | Request,
    init: Omit<RequestInit, 'dispatcher'> & { dispatcher: Dispatcher },
  ) => Promise<Response>;
  return (input, init) => send(input, { ...init, redirect: 'error', dispatcher });
}
