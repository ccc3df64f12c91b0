import { Cluster, Redis } from 'ioredis';

export type Client = Redis | Cluster;

/** Where Redis is and how to get in; exactly one of the three places. */
export interface RedisPlace {
  readonly url: string;
  readonly cluster: readonly string[] | undefined;
  readonly sentinels: readonly string[] | undefined;
  readonly sentinelName: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Certificate of the authority to trust, PEM; switches TLS on. */
  readonly authority: string | undefined;
}

/**
 * What a connection is for. `commands`: answers or fails at once, so that a request never hangs on Redis.
 * `subscriber`: waits for messages, for as long as it takes. `jobs`: as BullMQ demands. `operator`: somebody
 * waits, but no request does.
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
  /** ms without a byte, while an answer is due, after which the connection is taken for dead and opened anew. */
  readonly socketTimeout?: number;
  /** @returns ms until the next try to connect */
  retryStrategy(times: number): number;
}

const TUNINGS: Readonly<Record<Purpose, Tuning>> = {
  // Nothing is queued, repeated or retried behind our back: a command that fails may still have been carried
  // out, and only our scripts know how to be sent twice.
  commands: {
    connectTimeout: 500,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    // A network can lose a connection without a word; the kernel would go on with it for a quarter of an hour.
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

/** Opens a connection in the background; it comes back by itself, and `failed` hears of every error. */
export function connect(place: RedisPlace, purpose: Purpose, failed: (error: Error) => void): Client {
  const client = open(place, TUNINGS[purpose]);
  client.on('error', failed);
  return client;
}

function open(place: RedisPlace, tuning: Tuning): Client {
  const { retryStrategy, enableOfflineQueue, ...shared } = tuning;
  const tls = place.authority === undefined ? undefined : { ca: place.authority };
  const common = {
    ...shared,
    // A replica takes thousands of commands a second in small packets; waiting to fill them costs more.
    noDelay: true,
    ...(tls === undefined ? {} : { tls }),
  };
  const login = {
    ...(place.username === undefined ? {} : { username: place.username }),
    ...(place.password === undefined ? {} : { password: place.password }),
  };
  if (place.cluster !== undefined) {
    return new Cluster(place.cluster.map(hostAndPort), {
      redisOptions: { ...common, ...login },
      enableOfflineQueue,
      clusterRetryStrategy: () => 100,
      slotsRefreshTimeout: 1000,
      slotsRefreshInterval: 5000,
      // While a slot moves, a script whose keys are on both sides is told to come again, until its time is over.
      retryDelayOnTryAgain: 20,
      maxRedirections: Math.ceil(COMMAND_TIMEOUT_MS / 20) + 10,
      retryDelayOnClusterDown: 100,
      retryDelayOnFailover: 50,
    });
  }
  if (place.sentinels !== undefined) {
    return new Redis({
      ...common,
      ...login,
      retryStrategy,
      enableOfflineQueue,
      sentinels: place.sentinels.map(hostAndPort),
      name: place.sentinelName ?? '',
      // Without this ioredis would use `tls` for neither the Sentinels nor the primary they name.
      ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: tls }),
      sentinelRetryStrategy: () => 100,
      // A primary that was demoted closes nothing: its refusal to write is the sign to look for the new one.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
  }
  return new Redis(urlWithLogin(place), { ...common, retryStrategy, enableOfflineQueue });
}

/** The URL, with user and password of their own settings in place of those that it may hold. */
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
