import { randomUUID } from 'node:crypto';
import { whenLeftOver } from '../process/left-overs.ts';
import { askRedis, type RedisServer, startRedis } from './redis.ts';

const image = 'redis:7-bookworm';

/**
 * A Redis from its official image if vitest.config.ts found a Docker engine, otherwise a plain process.
 *
 * TEST_REDIS=container makes a missing engine or image an error, =process never uses one.
 * Not for tests that freeze or restart it: they need a process, whose port stays the same.
 */
export async function startTestRedis(): Promise<RedisServer> {
  const wish = process.env.TEST_REDIS ?? 'process';
  if (!['auto', 'container', 'process'].includes(wish)) {
    throw new Error(`TEST_REDIS is ${wish}, expected container, process or auto`);
  }
  if (wish === 'process') return startRedis();
  try {
    return await startContainer();
  } catch (error) {
    if (wish === 'container') throw error;
    console.info(`no container for Redis, using a process: ${String(error)}`);
    return startRedis();
  }
}

async function startContainer(): Promise<RedisServer> {
  // The reaper is another image, which a closed network cannot pull; the end of the file stops the container.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
  const { GenericContainer } = await import('testcontainers');
  const label = { name: 'turnwise.test', value: randomUUID() };
  const started = new GenericContainer(image)
    .withExposedPorts(6379)
    .withLabels({ [label.name]: label.value })
    .start();
  const end = async () => {
    await (await started.catch(() => undefined))?.stop();
  };
  // Registered before it has started, so that an interrupted run leaves none either.
  const forget = whenLeftOver(end, { kind: 'container', label: `${label.name}=${label.value}` });
  const port = (await started).getMappedPort(6379);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get dir() {
      return needsProcess();
    },
    get pid() {
      return needsProcess();
    },
    output: () => '',
    ask: (command, ...args) => askRedis(port, command, ...args),
    async stop() {
      await end();
      forget();
    },
    kill: needsProcess,
    pause: needsProcess,
    resume: needsProcess,
    restart: needsProcess,
  };
}

function needsProcess(): never {
  throw new Error("this Redis is in a container; ask for startStore('restarts') to freeze or restart one");
}
