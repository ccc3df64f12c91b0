const DEFAULT_MODEL = 'gpt-4o-mini';

/**
 * The model that the environment configures.
 *
 * @returns the environment for the API replica and a line for the user; undefined when none is set: use the demo
 */
export function modelFromEnvironment(env) {
  if (!env.OPENAI_API_KEY && !env.OPENAI_BASE_URL) return undefined;
  const model = env.OPENAI_MODEL || DEFAULT_MODEL;
  const where = env.OPENAI_BASE_URL ? withoutSecrets(env.OPENAI_BASE_URL) : "OpenAI's own address";
  const how = env.OPENAI_MODEL ? '' : ' (the default; set OPENAI_MODEL for another)';
  return { env: { OPENAI_MODEL: model, DEMO_MODEL: 'false' }, line: `${model} at ${where}${how}` };
}

/** The environment for the API replica and a line for the user, for the demo model at this address. */
export function demoModel(url) {
  const base = `${new URL(url).origin}/v1`;
  return {
    env: { OPENAI_BASE_URL: base, OPENAI_API_KEY: 'demo', OPENAI_MODEL: 'demo', DEMO_MODEL: 'true' },
    line: 'DEMO MODEL: built in, knows next to nothing. For a real model set OPENAI_API_KEY or OPENAI_BASE_URL',
  };
}

/** A URL for display, without its password and query. */
export function withoutSecrets(text) {
  if (!URL.canParse(text)) return 'an address that is not a URL';
  const url = new URL(text);
  return `${url.protocol}//${url.host}${url.pathname}`;
}
