import { ON_BUSY, ON_DISCONNECT } from '../conversation/turn.ts';
import {
  extraBody,
  flag,
  isHostAndPort,
  keyPrefix,
  like,
  listOf,
  oneOf,
  origins,
  pemFile,
  proxyUrl,
  type Read,
  redisUrl,
  trustProxy,
  url,
  wholeNumber,
  words,
} from './setting-readers.ts';

/**
 * Every setting: its name in the environment, how it is read, its default and what it means.
 * `.env.example` and `docs/configuration.md` are compared with this table by a test.
 */

interface Described {
  readonly meaning: string;
  /** Also read under its name in lower case, as other tools do; that one takes precedence. */
  readonly alsoSmall?: true;
  /** Never printed, in a message of ours or in a log. */
  readonly secret?: true;
}

/** A setting that always has a value; `fallback` is its default as it would be written. */
export interface Defaulted<T> extends Described {
  readonly read: Read<T>;
  readonly fallback: string;
}

/** A setting that has no value unless it is set. */
export interface Optional<T> extends Described {
  readonly read: Read<T>;
  readonly fallback: undefined;
}

function setting<T>(read: Read<T>, fallback: string, meaning: string, secret?: true): Defaulted<T> {
  return { read, fallback, meaning, ...(secret && { secret }) };
}

function optional<T>(read: Read<T>, meaning: string, secret?: true): Optional<T> {
  return { read, fallback: undefined, meaning, ...(secret && { secret }) };
}

function proxy(meaning: string): Optional<string> {
  return { ...optional(proxyUrl, meaning, true), alsoSmall: true };
}

export const SETTINGS = {
  HOST: setting(words, '127.0.0.1', 'address to listen on; 0.0.0.0 in the image'),
  PORT: setting(wholeNumber(0, 65535), '8000', 'port of the API'),
  REDIS_URL: setting(
    redisUrl,
    'redis://127.0.0.1:6379',
    'one Redis server: redis:// or rediss://, with user, password, db',
    true,
  ),
  REDIS_CLUSTER: optional(
    listOf(isHostAndPort, 'host:port, with commas'),
    'nodes of a Redis Cluster, `host:port,…`, instead of REDIS_URL',
  ),
  REDIS_SENTINELS: optional(
    listOf(isHostAndPort, 'host:port, with commas'),
    'Redis Sentinels, `host:port,…`, instead of REDIS_URL',
  ),
  REDIS_SENTINEL_NAME: optional(words, 'name of the primary that the Sentinels watch'),
  KEY_PREFIX: setting(keyPrefix, 'turnwise', 'first part of every key; two deployments may share a Redis'),
  REDIS_USERNAME: optional(words, 'user; takes precedence over the one in REDIS_URL'),
  REDIS_PASSWORD: optional(words, 'password; takes precedence over the one in REDIS_URL', true),
  REDIS_CA_FILE: optional(pemFile, 'PEM file of the certificate authority to trust; switches TLS on'),
  REDIS_SENTINEL_USERNAME: optional(words, 'user for the Sentinels themselves'),
  REDIS_SENTINEL_PASSWORD: optional(words, 'password for the Sentinels themselves', true),
  OPENAI_BASE_URL: optional(
    url('http:', 'https:'),
    'where the model is; the `openai` package has its own default',
    true,
  ),
  OPENAI_API_KEY: optional(words, 'key for the model', true),
  OPENAI_MODEL: optional(
    listOf(like(/^[^\s,]{1,200}$/), 'names without spaces, with commas'),
    'required to serve; one name or several with commas: the first is the default, the others may be asked for',
  ),
  DEMO_MODEL: setting(flag, 'false', 'reports in /health that the model is the built-in demo'),
  SYSTEM_PROMPT: optional(words, 'first message of every prompt'),
  CONTEXT_TOKENS: setting(
    wholeNumber(16, 10_000_000),
    '32000',
    'tokens of the prompt; history that does not fit is left out, oldest turns first',
  ),
  HISTORY_CACHE_BYTES: setting(
    wholeNumber(0, 17_179_869_184),
    '67108864',
    'memory of one replica for histories it has just read; 0: none',
  ),
  MODEL_FIRST_TOKEN_TIMEOUT_MS: setting(
    wholeNumber(1, 3_600_000),
    '60000',
    'longest silence before the first token',
  ),
  MODEL_IDLE_TIMEOUT_MS: setting(wholeNumber(1, 3_600_000), '30000', 'longest silence between two tokens'),
  MODEL_MAX_RETRIES: setting(
    wholeNumber(0, 10),
    '2',
    'further tries of a model call, only before the first token',
  ),
  MODEL_EXTRA_BODY: setting(
    extraBody,
    '{}',
    'JSON object merged into every model request; null takes a field out',
    true,
  ),
  REASONING: setting(
    oneOf('stream', 'store', 'off'),
    'stream',
    'what the model thinks aloud: stream (shown, not stored), store (stored as well), off; never sent back to it',
  ),
  IMAGE_TOKENS: setting(wholeNumber(0, 1_000_000), '1000', 'what an image or a file counts in the context'),
  HTTP_PROXY: proxy('proxy to a model whose URL begins with http://'),
  HTTPS_PROXY: proxy('proxy to a model whose URL begins with https://; default HTTP_PROXY'),
  NO_PROXY: {
    ...optional(words, 'hosts reached without a proxy, with commas; this host always is'),
    alsoSmall: true,
  },
  SESSION_TTL_SECONDS: setting(
    wholeNumber(1, 31_536_000),
    '1800',
    'idle time after which a session expires; renewed by every turn',
  ),
  SESSION_MAX_MESSAGES: setting(
    wholeNumber(2, 1_000_000),
    '10000',
    'stored messages of one session; beyond it the oldest whole turns are dropped',
  ),
  SESSION_HEADERS: optional(
    listOf(like(/^[A-Za-z0-9-]{1,64}$/), 'names of headers, with commas'),
    'headers that name the session of a request to /v1, beside X-Session-ID; with commas',
  ),
  RECONCILE_INTERVAL_SECONDS: setting(wholeNumber(1, 86_400), '300', 'time between two reconciles'),
  LOCK_TTL_MS: setting(wholeNumber(500, 300_000), '10000', 'lease of a turn; extended while it runs'),
  TURN_MAX_SECONDS: setting(wholeNumber(1, 86_400), '600', 'longest time one attempt of a turn may run'),
  TURN_MAX_TOTAL_SECONDS: setting(
    wholeNumber(1, 604_800),
    '1800',
    'longest running time of a turn over all its attempts',
  ),
  TURN_LOG_TTL_SECONDS: setting(wholeNumber(1, 604_800), '600', 'how long a finished turn can be replayed'),
  TURN_MAX_ATTEMPTS: setting(
    wholeNumber(1, 100),
    '2',
    'deaths without progress after which a turn fails; 1: it fails when its replica dies',
  ),
  ON_BUSY: setting(
    oneOf(...ON_BUSY),
    'enqueue',
    'what a new message does while a turn runs: enqueue, reject, interrupt, rollback, coalesce',
  ),
  ON_DISCONNECT: setting(
    oneOf(...ON_DISCONNECT),
    'continue',
    'what becomes of a turn when its last reader disconnects: continue or cancel',
  ),
  QUEUE_MAX: setting(wholeNumber(0, 100_000), '16', 'turns that may wait in one session'),
  QUEUE_WAIT_SECONDS: setting(
    wholeNumber(1, 86_400),
    '300',
    'how long a turn waits before it fails as queue_timeout',
  ),
  MAX_TURNS: setting(
    wholeNumber(1, 1_000_000),
    '1000',
    'turns that wait or run on one replica; beyond it 503',
  ),
  MAX_MESSAGE_BYTES: setting(wholeNumber(1, 104_857_600), '65536', 'longest message, in UTF-8 bytes'),
  MAX_BODY_BYTES: setting(wholeNumber(64, 104_857_600), '1048576', 'longest request body'),
  MAX_OUTPUT_BYTES: setting(wholeNumber(1, 104_857_600), '1048576', 'longest answer, in UTF-8 bytes'),
  MAX_STREAMS: setting(
    wholeNumber(1, 1_000_000),
    '20000',
    'open event streams and waiting JSON requests on one replica; beyond it 503',
  ),
  TRUST_PROXY: optional(trustProxy, "as Fastify's trustProxy"),
  WEB_PORT: setting(wholeNumber(0, 65535), '3000', 'port of the chat page'),
  WEB_API_URL: setting(
    url('http:', 'https:'),
    'http://localhost:8000',
    'where the chat page finds the API, as a browser sees it',
  ),
  AUTH: setting(
    oneOf('none', 'keys', 'jwt'),
    'none',
    'how callers identify themselves: none (anybody may call); keys and jwt are to come',
  ),
  ALLOW_ANONYMOUS: setting(flag, 'false', 'must be true for AUTH=none on an address that is not loopback'),
  API_KEYS: optional(words, 'static keys, `owner:sha256-hex[:admin],…`', true),
  JWT_SECRET: optional(words, 'shared secret of the tokens', true),
  JWT_JWKS_URL: optional(url('http:', 'https:'), 'where the public keys of the tokens are', true),
  JWT_ISSUER: optional(words, 'required issuer of a token'),
  JWT_AUDIENCE: optional(words, 'required audience of a token'),
  JWT_ADMIN_SCOPE: setting(words, 'turnwise:admin', 'scope that makes a caller an admin'),
  SHUTDOWN_DELAY_SECONDS: setting(
    wholeNumber(0, 600),
    '2',
    'how long turns are still admitted after SIGTERM, while balancers notice',
  ),
  SHUTDOWN_GRACE_SECONDS: setting(
    wholeNumber(0, 86_400),
    '30',
    'how long running turns may take to end after that',
  ),
  CORS_ORIGINS: setting(origins, 'http://localhost:3000', 'origins whose pages may call the API'),
  RATE_LIMIT_PER_MINUTE: setting(
    wholeNumber(0, 1_000_000),
    '0',
    'turns a caller may begin a minute, over all replicas; 0: no limit',
  ),
  WORKER: setting(oneOf('inline', 'off'), 'inline', 'whether this replica also runs background jobs'),
  LOG_LEVEL: setting(
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    'level from which log lines are written',
  ),
} as const satisfies Record<string, Defaulted<unknown> | Optional<unknown>>;

export type SettingName = keyof typeof SETTINGS;
