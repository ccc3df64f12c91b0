import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from '../setup/run.mjs';
import { withoutSecrets } from './model.mjs';
import { accepts, freePort } from './ports.mjs';

/**
 * The Redis that the environment configures.
 *
 * @returns a line for the user, or undefined when none is set: one must be started
 * @throws  SetupError when the one in REDIS_URL does not accept connections
 */
export async function redisFromEnvironment(env) {
  if (env.REDIS_CLUSTER) return `the cluster ${env.REDIS_CLUSTER}`;
  if (env.REDIS_SENTINELS) return `${env.REDIS_SENTINEL_NAME} of the sentinels ${env.REDIS_SENTINELS}`;
  if (!env.REDIS_URL) return undefined;
  const shown = withoutSecrets(env.REDIS_URL);
  if (URL.canParse(env.REDIS_URL)) {
    const { hostname, port } = new URL(env.REDIS_URL);
    if (!(await accepts(Number(port || 6379), hostname.replace(/^\[|\]$/g, '')))) {
      throw new SetupError(`No reply from REDIS_URL (${shown}). Start that Redis, or unset REDIS_URL.`);
    }
  }
  return `${shown} (REDIS_URL)`;
}

/**
 * Starts a Redis server as a child on a free port, with its data in `folder`, and waits until it answers.
 *
 * @returns its port
 * @throws  SetupError when another Redis server still uses this folder: two writers would corrupt the data
 */
export async function startRedis({ children, within, command, folder }) {
  mkdirSync(folder, { recursive: true });
  const note = path.join(folder, 'server.json');
  await refuseSecondWriter(note, realpathSync(folder));
  const port = await freePort();
  const server = children.start({
    name: 'redis',
    command,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction'],
    ],
    stopTimeoutMs: 10_000,
  });
  writeFileSync(note, JSON.stringify({ port, pid: server.pid }));
  // A large data folder is loaded first; until then the reply is -LOADING.
  await within(60_000, 'Redis', async () => (await ask(port, 'PING'))?.startsWith('+PONG'));
  return port;
}

async function refuseSecondWriter(note, folder) {
  let last;
  try {
    last = JSON.parse(readFileSync(note, 'utf8'));
  } catch {
    return;
  }
  const answer = await ask(last.port, 'CONFIG GET dir');
  if (!answer?.includes(`\r\n${folder}\r\n`)) return;
  throw new SetupError(`A Redis server (process ${last.pid}, port ${last.port}) already uses ${folder}.
Stop the quickstart it belongs to (or "kill ${last.pid}" if that is gone), or share its Redis:
  REDIS_URL=redis://127.0.0.1:${last.port} npm run quickstart -- --port 8001 --web-port 3001`);
}

/** First chunk of the Redis reply to one command; undefined without a reply within 500 ms. */
async function ask(port, command) {
  const socket = connect({ port, host: '127.0.0.1' });
  const answer = new Promise((resolve) => {
    socket.once('connect', () => socket.write(`${command}\r\n`));
    socket.setEncoding('utf8').once('data', resolve);
    socket.once('error', () => resolve(undefined));
    socket.once('close', () => resolve(undefined));
  });
  const first = await Promise.race([answer, delay(500, undefined, { ref: false })]);
  socket.destroy();
  return first;
}
