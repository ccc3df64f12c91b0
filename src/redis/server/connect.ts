import { Cluster, Redis } from 'ioredis';
import { writeTogether } from './write-together.ts';

export type Client = Redis | Cluster;

/** Where Redis is and how to get in; exactly one of the three places. */
export interface RedisPlace {
  readonly url: string;
  readonly cluster: readonly string[] | undefined;
  readonly sentinels: readonly string[] | undefined;
  readonly sentinelName: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** For the Sentinels themselves. */
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  /** Certificate of the authority to trust, PEM; switches TLS on. */
  readonly authority: string | undefined;
}

/**
 * What a connection is for. `commands`: answers or fails at once, so that a request never hangs on Redis. `subscriber`:
 * waits for messages, for as long as it takes. `jobs`: as BullMQ demands. `operator`: a person waits, but no request
 * does.
 */
export type Purpose = 'commands' | 'subscriber' | 'jobs' | 'operator';

/** Longest wait for one command, in ms: only this covers a server that is frozen but still connected. */
export const COMMAND_TIMEOUT_MS = 450;

interface Tuning {
  readonly connectTimeout: number;
  readonly enableOfflineQueue: boolean;
  readonly autoResendUnfulfilledCommands: boolean;
  readonly maxRetriesPerRequest: number | null;
  readonly commandTimeout?: number;
  /** ms without a byte, while a reply is due, after which the connection is taken for dead and opened anew. */
  readonly socketTimeout?: number;
  /** @returns ms until the next try to connect */
  retryStrategy(times: number): number;
}

const TUNINGS: Readonly<Record<Purpose, Tuning>> = {
  // Nothing is queued, repeated or retried behind our back: a command that fails may still have been carried out, and
  // only our scripts may be sent twice.
  commands: {
    connectTimeout: 500,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    // A network can drop a connection silently; the kernel would keep it for a quarter of an hour.
    socketTimeout: 1000,
    retryStrategy: () => 100,
  },
  subscriber: {
    connectTimeout: 1000,
    socketTimeout: 2000,
    enableOfflineQueue: true,
    autoResendUnfulfilledCommands: true,
    maxRetriesPerRequest: null,
    retryStrategy: () => 100,
  },
  jobs: {
    connectTimeout: 1000,
    enableOfflineQueue: true,
    autoResendUnfulfilledCommands: true,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(times * 100, 2000),
  },
  operator: {
    connectTimeout: 2000,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 10_000,
    retryStrategy: () => 100,
  },
};

/** Opens a connection in the background; it reconnects by itself, and reports every error to `failed`. */
export function connect(place: RedisPlace, purpose: Purpose, failed: (error: Error) => void): Client {
  const client = open(place, TUNINGS[purpose]);
  client.on('error', client instanceof Cluster ? withReason(place, failed) : failed);
  watchLoading(client, failed);
  if (purpose === 'commands') writeTogether(client);
  return client;
}

/**
 * A Cluster client only reports that it cannot refresh its slots, because a connection is closed. A connection to one
 * of its nodes gives the reason.
 *
 * @returns passes on each error with that reason
 */
function withReason(place: RedisPlace, failed: (error: Error) => void): (error: Error) => void {
  let asking: Promise<unknown> | null = null;
  return (error) => {
    asking ??= reasonOf(place).finally(() => {
      asking = null;
    });
    void asking.then((cause) => failed(new Error(error.message, { cause: cause ?? error.cause })));
  };
}

/** @returns why a node of a Cluster cannot be reached; null when it answers */
async function reasonOf(place: RedisPlace): Promise<unknown> {
  const [node] = place.cluster ?? [];
  if (node === undefined) return null;
  const redis = new Redis({
    ...hostAndPort(node),
    ...loginOf(place),
    ...tlsOf(place),
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: 1000,
    commandTimeout: 1000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let reason: unknown = null;
  redis.on('error', (error) => {
    reason = error;
  });
  try {
    await redis.connect();
    await redis.cluster('SLOTS');
    return null;
  } catch (error) {
    return reason ?? error;
  } finally {
    redis.disconnect();
  }
}

/** How long a server may be connected and not ready before the reason is reported. */
const LOADING_REPORTED_AFTER_MS = 2000;

/** ioredis waits silently for a server that loads its data. */
function watchLoading(client: Client, failed: (error: Error) => void): void {
  let timer: NodeJS.Timeout | undefined;
  client.on('connect', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (isLoading(client)) failed(new Error('Redis is loading its data'));
    }, LOADING_REPORTED_AFTER_MS).unref();
  });
  client.on('close', () => clearTimeout(timer));
}

/** @returns whether there is a connection, but no answer to commands yet */
export function isLoading(client: Client): boolean {
  return client instanceof Redis && client.status === 'connect';
}

function open(place: RedisPlace, tuning: Tuning): Client {
  const { retryStrategy, enableOfflineQueue, ...shared } = tuning;
  const common = {
    ...shared,
    // A server that loads its data estimates how long that takes by the bytes it has read, and can be far off: it is
    // asked again until it is done.
    enableReadyCheck: true,
    maxLoadingRetryTime: 250,
    // A network can drop a connection silently; probes of the kernel find that on one that is long idle.
    keepAlive: 30_000,
    // A primary that was demoted closes nothing, and a name may lead to a replica for a while: its refusal to write is
    // the sign to connect anew, to whatever the name or the Sentinels say by then.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    // A replica takes thousands of commands a second in small packets; waiting to fill them costs more.
    noDelay: true,
    ...tlsOf(place),
  };
  const login = loginOf(place);
  if (place.cluster !== undefined) {
    return new Cluster(place.cluster.map(hostAndPort), {
      redisOptions: { ...common, ...login },
      // By the name that was configured or announced, not by the address behind it: certificates often hold names
      // alone, and a name is looked up anew at each connection.
      dnsLookup: (address, callback) => callback(null, address),
      enableOfflineQueue,
      clusterRetryStrategy: () => 100,
      slotsRefreshTimeout: 1000,
      slotsRefreshInterval: 5000,
      // While a slot moves, a script with keys on both sides gets TRYAGAIN: retried until its time is up.
      retryDelayOnTryAgain: 20,
      maxRedirections: Math.ceil(COMMAND_TIMEOUT_MS / 20) + 10,
      retryDelayOnClusterDown: 100,
      retryDelayOnFailover: 50,
    });
  }
  if (place.sentinels !== undefined) {
    const { tls } = tlsOf(place);
    return new Redis({
      ...common,
      ...login,
      retryStrategy,
      enableOfflineQueue,
      ...sentinelLogin(place),
      sentinels: place.sentinels.map(hostAndPort),
      name: place.sentinelName ?? '',
      // Without this ioredis would use `tls` for neither the Sentinels nor the primary they name.
      ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
      sentinelRetryStrategy: () => 100,
      // An unreachable Sentinel must not hold up the others.
      sentinelCommandTimeout: 1000,
    });
  }
  return new Redis(urlWithLogin(place), { ...common, retryStrategy, enableOfflineQueue });
}

function loginOf({ username, password }: RedisPlace) {
  return { ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) };
}

function tlsOf({ authority }: RedisPlace): { readonly tls?: { readonly ca: string } } {
  return authority === undefined ? {} : { tls: { ca: authority } };
}

/** The Sentinels may need a login of their own. */
function sentinelLogin({ sentinelUsername, sentinelPassword }: RedisPlace) {
  return {
    ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
  };
}

/** The URL; user and password that have their own settings replace those in it. */
function urlWithLogin({ url, username, password }: RedisPlace): string {
  const whole = new URL(url);
  if (username !== undefined) whole.username = encodeURIComponent(username);
  if (password !== undefined) whole.password = encodeURIComponent(password);
  return whole.href;
}

function hostAndPort(text: string): { host: string; port: number } {
  const cut = text.lastIndexOf(':');
  return { host: text.slice(0, cut).replace(/^\[|\]$/g, ''), port: Number(text.slice(cut + 1)) };
}

/** Number of the database that a client uses; Redlock's scripts select it themselves. */
export function databaseOf(client: Client): number {
  return client instanceof Cluster ? 0 : (client.options.db ?? 0);
}
