import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/**
 * Every setting: its name in the environment, how it is read, its default and what it means.
 * `.env.example` and `docs/configuration.md` are compared with this table by a test.
 */

/** Turns the text of a setting into its value; throws an `Expected` naming what would have been right. */
type Read<T> = (text: string) => T;

interface Described {
  readonly meaning: string;
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

export class Expected extends Error {}

function expected(what: string): never {
  throw new Expected(what);
}

function wholeNumber(least: number, most: number): Read<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) expected(`a whole number from ${least} to ${most}`);
    return value;
  };
}

function oneOf<const T extends string>(...choices: T[]): Read<T> {
  return (text) => choices.find((choice) => choice === text) ?? expected(`one of ${choices.join(', ')}`);
}

const flag: Read<boolean> = (text) => {
  if (text !== 'true' && text !== 'false') expected('true or false');
  return text === 'true';
};

const words: Read<string> = (text) => text;

function listOf(isItem: (part: string) => boolean, what: string): Read<readonly string[]> {
  return (text) => {
    const items = text.split(',').map((part) => part.trim());
    if (!items.every(isItem)) expected(what);
    return items;
  };
}

const like = (pattern: RegExp) => (part: string) => pattern.test(part);

function url(...protocols: string[]): Read<string> {
  return (text) => {
    if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) {
      expected(`a URL that begins with ${protocols.map((name) => `${name}//`).join(' or ')}`);
    }
    const { username, password } = new URL(text);
    // Whoever fetches from it tells the whole URL when it fails.
    if (username !== '' || password !== '') expected('a URL without user and password');
    return text;
  };
}

/** Redlock's own scripts know no database above 15: they would keep the lock in another one. */
const redisUrl: Read<string> = (text) => {
  const isUrl = URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol);
  if (!isUrl || !/^\/?(\d|1[0-5])?$/.test(new URL(text).pathname)) {
    expected('a URL that begins with redis:// or rediss://, with a database of 0 to 15 or none');
  }
  return text;
};

/** As Fastify's trustProxy: true, false, a number of hops, or addresses and ranges with commas. */
const trustProxy: Read<boolean | number | string> = (text) => {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^\d{1,3}$/.test(text)) return Number(text);
  if (!text.split(',').every((part) => isProxy(part.trim()))) {
    expected('true, false, a number of hops, or addresses with commas');
  }
  return text;
};

function isProxy(part: string): boolean {
  if (/^(?:loopback|linklocal|uniquelocal)$/.test(part)) return true;
  const [, address = '', bits] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(part) ?? [];
  const most = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  return most > 0 && (bits === undefined || (Number(bits) >= 1 && Number(bits) <= most));
}

const pemFile: Read<string> = (path) => {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('-----BEGIN ')) return text;
  } catch {
    // Said below: the reason is of no use without the name of the setting.
  }
  return expected('a PEM file that can be read');
};

const keyPrefix: Read<string> = (text) =>
  /^[A-Za-z0-9._-]{1,64}$/.test(text) ? text : expected('1 to 64 of A-Z a-z 0-9 . _ -');

function isHostAndPort(part: string): boolean {
  const port = /^(?:[^\s:,]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(part)?.[1];
  return Number(port) >= 1 && Number(port) <= 65_535;
}

function setting<T>(read: Read<T>, fallback: string, meaning: string, secret?: true): Defaulted<T> {
  return { read, fallback, meaning, ...(secret && { secret }) };
}

function optional<T>(read: Read<T>, meaning: string, secret?: true): Optional<T> {
  return { read, fallback: undefined, meaning, ...(secret && { secret }) };
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
  REDIS_USERNAME: optional(words, 'user; goes before the one in REDIS_URL'),
  REDIS_PASSWORD: optional(words, 'password; goes before the one in REDIS_URL', true),
  REDIS_CA_FILE: optional(pemFile, 'PEM file of the authority to trust; switches TLS on'),
  OPENAI_BASE_URL: optional(
    url('http:', 'https:'),
    'where the model is; the `openai` package has its own default',
    true,
  ),
  OPENAI_API_KEY: optional(words, 'key for the model', true),
  OPENAI_MODEL: optional(
    listOf(like(/^[^\s,]{1,200}$/), 'names without spaces, with commas'),
    'required to serve; one name or several with commas: the first is the default',
  ),
  DEMO_MODEL: setting(flag, 'false', 'says in /health that the model is the built-in demo'),
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
  SESSION_TTL_SECONDS: setting(
    wholeNumber(1, 31_536_000),
    '1800',
    'idle time after which a session is forgotten; starts anew with every turn',
  ),
  SESSION_MAX_MESSAGES: setting(
    wholeNumber(2, 1_000_000),
    '10000',
    'stored messages of one session; past it the oldest whole turns are dropped',
  ),
  RECONCILE_INTERVAL_SECONDS: setting(wholeNumber(1, 86_400), '300', 'time between two reconciles'),
  LOCK_TTL_MS: setting(wholeNumber(500, 300_000), '10000', 'lease of a turn; extended while it runs'),
  TURN_MAX_SECONDS: setting(wholeNumber(1, 86_400), '600', 'longest time one turn may run'),
  TURN_LOG_TTL_SECONDS: setting(wholeNumber(1, 604_800), '600', 'how long a finished turn can be replayed'),
  TURN_MAX_ATTEMPTS: setting(
    wholeNumber(1, 100),
    '2',
    'how often a turn is begun; 1: it fails when its replica dies or hands it over',
  ),
  ON_BUSY: setting(
    oneOf('enqueue', 'reject', 'interrupt', 'rollback', 'coalesce'),
    'enqueue',
    'what a new message does while a turn runs: enqueue, reject, interrupt, rollback, coalesce',
  ),
  ON_DISCONNECT: setting(
    oneOf('continue', 'cancel'),
    'continue',
    'what becomes of a turn whose last reader left: continue or cancel',
  ),
  QUEUE_MAX: setting(wholeNumber(0, 100_000), '16', 'turns that may wait in one session'),
  QUEUE_WAIT_SECONDS: setting(wholeNumber(1, 86_400), '300', 'how long one waits before 503 queue_timeout'),
  MAX_TURNS: setting(wholeNumber(1, 1_000_000), '1000', 'turns in flight on one replica; past it 503'),
  MAX_MESSAGE_BYTES: setting(wholeNumber(1, 104_857_600), '65536', 'longest message, in UTF-8 bytes'),
  MAX_BODY_BYTES: setting(wholeNumber(64, 104_857_600), '1048576', 'longest request body'),
  MAX_OUTPUT_BYTES: setting(wholeNumber(1, 104_857_600), '1048576', 'longest answer, in UTF-8 bytes'),
  MAX_STREAMS: setting(
    wholeNumber(1, 1_000_000),
    '20000',
    'open event streams and waiting JSON requests on one replica; past it 503',
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
    'who may call: none (anybody); keys and jwt are to come',
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
    'after SIGTERM turns are still admitted for so long, while balancers notice',
  ),
  SHUTDOWN_GRACE_SECONDS: setting(wholeNumber(0, 86_400), '30', 'then running turns may end for so long'),
  CORS_ORIGINS: setting(
    listOf(like(/^https?:\/\/[^\s,/]+$/), 'origins such as https://chat.example, with commas'),
    'http://localhost:3000',
    'origins whose pages may call the API',
  ),
  RATE_LIMIT_PER_MINUTE: setting(
    wholeNumber(0, 1_000_000),
    '0',
    'turns a caller may begin a minute, over all replicas; 0: no limit',
  ),
  WORKER: setting(oneOf('inline', 'off'), 'inline', 'whether this replica also works on jobs'),
  LOG_LEVEL: setting(
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    'least weight of a log line',
  ),
} as const satisfies Record<string, Defaulted<unknown> | Optional<unknown>>;

export type SettingName = keyof typeof SETTINGS;
