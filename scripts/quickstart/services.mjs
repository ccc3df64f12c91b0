import path from 'node:path';
import { ensureRedisServer } from '../setup/redis-server.mjs';
import { root } from '../setup/run.mjs';
import { demoModel, modelFromEnvironment } from './model.mjs';
import { freePort } from './ports.mjs';
import { redisFromEnvironment, startRedis } from './redis.mjs';

const MAIN = path.join(root, 'dist/main.js');

/** Uses the Redis that the environment configures, or starts one; see startRedis. */
export async function provideRedis({ env, dataFolder, ...tools }) {
  const named = await redisFromEnvironment(env);
  if (named) return { env: {}, line: named };
  const command = await ensureRedisServer(tools.install);
  const folder = path.join(dataFolder, 'redis');
  const port = await startRedis({ ...tools, command, folder });
  return { env: { REDIS_URL: `redis://127.0.0.1:${port}` }, line: `redis-cli -p ${port}`, folder };
}

/** Uses the model that the environment configures, or starts the demo model. */
export async function provideModel({ env, children, within }) {
  const named = modelFromEnvironment(env);
  if (named) return named;
  let url;
  children.start({
    name: 'demo-model',
    command: process.execPath,
    args: [MAIN, 'demo-model', '--host', '127.0.0.1', '--port', String(await freePort())],
    env,
    onLine: (line) => {
      url ??= /\bhttps?:\/\/[^\s"'<>]+/.exec(line)?.[0];
    },
  });
  await within(15_000, 'The demo model', () => url !== undefined);
  return demoModel(url);
}

/** Starts one API replica and waits until it is ready for traffic. */
export async function startApi({ env, port, children, within }) {
  // There is no balancer to wait for, and after Ctrl-C the user expects an immediate exit.
  const shutdown = {
    SHUTDOWN_DELAY_SECONDS: env.SHUTDOWN_DELAY_SECONDS || '0',
    SHUTDOWN_GRACE_SECONDS: env.SHUTDOWN_GRACE_SECONDS || '5',
  };
  children.start({
    name: 'api',
    command: process.execPath,
    args: [MAIN, 'serve'],
    env: { ...env, ...shutdown, PORT: String(port) },
    stopTimeoutMs:
      10_000 + 1000 * (Number(shutdown.SHUTDOWN_DELAY_SECONDS) + Number(shutdown.SHUTDOWN_GRACE_SECONDS)),
  });
  await within(30_000, 'The API', () => answers(`http://${localAddress(env.HOST)}:${port}/readyz`));
}

/** Starts the chat page and waits until it is served. */
export async function startWeb({ env, port, children, within }) {
  children.start({
    name: 'web',
    command: process.execPath,
    args: [MAIN, 'web'],
    env: { ...env, WEB_PORT: String(port) },
  });
  await within(15_000, 'The chat page', () => answers(`http://${localAddress(env.HOST)}:${port}/`));
}

function localAddress(host) {
  if (!host || host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
