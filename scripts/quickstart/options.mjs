import { parseArgs } from 'node:util';
import { SetupError } from '../setup/run.mjs';

/** The command line is wrong. */
export class UsageError extends SetupError {}

export const HELP = `Starts Turnwise on this machine: Redis, one API replica, the chat page and, unless a model is set, a demo model.

  npm run quickstart
  npm run quickstart -- --port 8001 --web-port 3001

Options
  --port N      port of the API        (default: PORT, else 8000)
  --web-port N  port of the chat page  (default: WEB_PORT, else 3000)
  --yes         install a missing Redis server without pausing first
  --help        this text

Settings are read from the environment and from .env; the environment wins.
  REDIS_URL                        uses that Redis instead of starting one
  OPENAI_API_KEY, OPENAI_BASE_URL  uses that model instead of the demo model
  OPENAI_MODEL                     which model (default: gpt-4o-mini)

Data of Redis and the logs are under .data/. Ctrl-C stops everything.
Exit codes: 0 stopped on request, 1 something failed, 2 wrong options.`;

/**
 * Reads the command line, with the environment as the default.
 *
 * @throws UsageError when an option is unknown or not a port
 */
export function readOptions(args, env) {
  let values;
  try {
    ({ values } = parseArgs({
      args,
      options: {
        port: { type: 'string' },
        'web-port': { type: 'string' },
        yes: { type: 'boolean', short: 'y', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(`${error.message}\nnpm run quickstart -- --help shows the options.`);
  }
  const port = readPort('--port or PORT', values.port ?? (env.PORT || '8000'));
  const webPort = readPort('--web-port or WEB_PORT', values['web-port'] ?? (env.WEB_PORT || '3000'));
  if (port === webPort) throw new UsageError(`The API and the chat page cannot share port ${port}.`);
  return { port, webPort, yes: values.yes, help: values.help };
}

function readPort(name, text) {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535)
    throw new UsageError(`${name}: expected a port from 1 to 65535, found "${text}".`);
  return port;
}
