import { Expected } from './setting-readers.ts';
import { type Defaulted, type Optional, SETTINGS, type SettingName } from './settings.ts';

type Value<S> = S extends Defaulted<infer T> ? T : S extends Optional<infer T> ? T | undefined : never;

/** All settings, read and checked; names and units as in the environment. */
export type Config = { readonly [N in SettingName]: Value<(typeof SETTINGS)[N]> };

/** Every mistake found in the environment, together. */
export class ConfigError extends Error {
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(`The settings are not valid:\n${mistakes.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

/** What a command needs beyond settings that are valid one by one. */
export interface Needs {
  /** A model to ask: OPENAI_MODEL must be set. */
  readonly model?: boolean;
  /** The API is served: it is checked who may reach it. */
  readonly listener?: boolean;
}

/**
 * Reads the environment once.
 *
 * @throws ConfigError with all mistakes: names, what was expected, and what was found unless it is a secret
 */
export function readConfig(environment: NodeJS.ProcessEnv, needs: Needs = {}): Config {
  const mistakes: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const small = 'alsoSmall' in setting ? environment[name.toLowerCase()] : undefined;
    const text = small || environment[name] || undefined;
    const written = text ?? setting.fallback;
    try {
      values[name] = written === undefined ? undefined : setting.read(written);
    } catch (error) {
      if (!(error instanceof Expected)) throw error;
      const found = 'secret' in setting ? '' : `, found ${JSON.stringify(written)}`;
      mistakes.push(`${name}: expected ${error.message}${found}`);
    }
  }
  // Each name of the table has just been read by its own reader or has added a mistake to the list.
  const config = Object.freeze(values) as Config;
  for (const check of crossChecks(needs)) {
    // A setting that could not be read is on the list already, and cannot be compared with others.
    if (check.names.every((name) => Object.hasOwn(values, name)) && !check.holds(config)) {
      mistakes.push(typeof check.otherwise === 'string' ? check.otherwise : check.otherwise(config));
    }
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}

/** What must hold between settings, or for one setting and what is about to be done. */
interface CrossCheck {
  readonly names: readonly SettingName[];
  readonly otherwise: string | ((config: Config) => string);
  holds(config: Config): boolean;
}

function crossChecks(needs: Needs): readonly CrossCheck[] {
  return [...ALWAYS, ...(needs.model ? FOR_A_MODEL : []), ...(needs.listener ? FOR_A_LISTENER : [])];
}

const ALWAYS: readonly CrossCheck[] = [
  {
    names: ['REDIS_SENTINELS', 'REDIS_SENTINEL_NAME'],
    holds: (config) => (config.REDIS_SENTINELS === undefined) === (config.REDIS_SENTINEL_NAME === undefined),
    otherwise: 'REDIS_SENTINELS and REDIS_SENTINEL_NAME: expected both or neither',
  },
  {
    names: ['REDIS_SENTINELS', 'REDIS_SENTINEL_USERNAME', 'REDIS_SENTINEL_PASSWORD'],
    holds: (config) =>
      config.REDIS_SENTINELS !== undefined ||
      (config.REDIS_SENTINEL_USERNAME === undefined && config.REDIS_SENTINEL_PASSWORD === undefined),
    otherwise: 'REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD: expected only with REDIS_SENTINELS',
  },
  {
    names: ['REDIS_CLUSTER', 'REDIS_SENTINELS'],
    holds: (config) => config.REDIS_CLUSTER === undefined || config.REDIS_SENTINELS === undefined,
    otherwise: 'REDIS_CLUSTER and REDIS_SENTINELS: expected at most one of them',
  },
  {
    names: ['REDIS_URL'],
    holds: (config) => /^\/?(?:\d|1[0-5])?$/.test(new URL(config.REDIS_URL).pathname),
    otherwise: 'REDIS_URL: expected a database from 0 to 15, the only ones that the lock knows',
  },
  {
    names: ['MAX_MESSAGE_BYTES', 'MAX_BODY_BYTES'],
    holds: (config) => config.MAX_MESSAGE_BYTES <= config.MAX_BODY_BYTES,
    otherwise: 'MAX_MESSAGE_BYTES: expected at most MAX_BODY_BYTES',
  },
];

const FOR_A_MODEL: readonly CrossCheck[] = [
  {
    names: ['OPENAI_MODEL'],
    holds: (config) => config.OPENAI_MODEL !== undefined,
    otherwise: 'OPENAI_MODEL: expected a model name, or several with commas',
  },
  {
    names: ['OPENAI_API_KEY', 'OPENAI_BASE_URL'],
    holds: (config) => config.OPENAI_API_KEY !== undefined || config.OPENAI_BASE_URL !== undefined,
    otherwise: 'OPENAI_API_KEY or OPENAI_BASE_URL: expected at least one of them',
  },
];

const FOR_A_LISTENER: readonly CrossCheck[] = [
  {
    names: ['AUTH'],
    holds: (config) => config.AUTH === 'none',
    otherwise: (config) =>
      `AUTH: expected none, found "${config.AUTH}", which this version does not have yet`,
  },
  {
    names: ['AUTH', 'ALLOW_ANONYMOUS', 'HOST'],
    holds: (config) => config.AUTH !== 'none' || config.ALLOW_ANONYMOUS || isLoopback(config.HOST),
    otherwise: (config) =>
      `ALLOW_ANONYMOUS: expected true, because AUTH=none lets anybody who reaches ${config.HOST} read and write every conversation`,
  },
];

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
