import { type Defaulted, Expected, type Optional, SETTINGS, type SettingName } from './settings.ts';

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

/** What a command needs beyond settings that are right one by one. */
export interface Needs {
  /** A model to ask: OPENAI_MODEL must be set. */
  readonly model?: boolean;
  /** The API is served: who may reach it is checked. */
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
    const text = environment[name] === '' ? undefined : environment[name];
    const written = text ?? setting.fallback;
    try {
      values[name] = written === undefined ? undefined : setting.read(written);
    } catch (error) {
      if (!(error instanceof Expected)) throw error;
      const found = 'secret' in setting ? '' : `, found ${JSON.stringify(written)}`;
      mistakes.push(`${name}: expected ${error.message}${found}`);
    }
  }
  // Each name of the table has just been read by its own reader or has put a mistake on the list.
  const config = Object.freeze(values) as Config;
  if (mistakes.length === 0) mistakes.push(...crossChecks(config, needs));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}

function crossChecks(config: Config, needs: Needs): string[] {
  const mistakes: string[] = [];
  const must = (holds: boolean, otherwise: string) => {
    if (!holds) mistakes.push(otherwise);
  };
  must(
    (config.REDIS_SENTINELS === undefined) === (config.REDIS_SENTINEL_NAME === undefined),
    'REDIS_SENTINELS and REDIS_SENTINEL_NAME: expected both or neither',
  );
  must(
    config.REDIS_CLUSTER === undefined || config.REDIS_SENTINELS === undefined,
    'REDIS_CLUSTER and REDIS_SENTINELS: expected at most one of them',
  );
  must(
    /^\/?(?:\d|1[0-5])?$/.test(new URL(config.REDIS_URL).pathname),
    'REDIS_URL: expected a database from 0 to 15, the only ones that the lock knows',
  );
  must(
    config.MAX_MESSAGE_BYTES <= config.MAX_BODY_BYTES,
    'MAX_MESSAGE_BYTES: expected at most MAX_BODY_BYTES',
  );
  if (needs.model) {
    must(config.OPENAI_MODEL !== undefined, 'OPENAI_MODEL: expected a model name, or several with commas');
    must(
      config.OPENAI_API_KEY !== undefined || config.OPENAI_BASE_URL !== undefined,
      'OPENAI_API_KEY or OPENAI_BASE_URL: expected at least one of them',
    );
  }
  if (needs.listener) {
    must(
      config.AUTH === 'none',
      `AUTH: expected none, found "${config.AUTH}", which this version does not have yet`,
    );
    must(
      config.AUTH !== 'none' || config.ALLOW_ANONYMOUS || isLoopback(config.HOST),
      `ALLOW_ANONYMOUS: expected true, because AUTH=none lets anybody who reaches ${config.HOST} read and write every conversation`,
    );
  }
  return mistakes;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
