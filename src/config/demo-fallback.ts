/**
 * Settings of a process that may fall back to a demo model: unchanged when they name a model's address or key, else
 * those of the demo model at `url`, which is then reported as one.
 */
export function withDemoModel(environment: NodeJS.ProcessEnv, url: string | undefined): NodeJS.ProcessEnv {
  if (url === undefined || environment.OPENAI_BASE_URL || environment.OPENAI_API_KEY) return environment;
  const demo = { OPENAI_BASE_URL: url, OPENAI_API_KEY: 'demo', OPENAI_MODEL: 'demo', DEMO_MODEL: 'true' };
  return { ...environment, ...demo };
}
