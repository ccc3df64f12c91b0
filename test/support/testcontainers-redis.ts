import { randomUUID } from 'node:crypto';
import { whenLeftOver } from './left-overs.ts';
import { startRedis } from './redis.ts';

const image = 'redis:7-bookworm';

export interface TestRedis {
  readonly url: string;
  readonly kind: 'container' | 'process';
  stop(): Promise<void>;
}

/**
 * A Redis from its official image when a Docker engine answers, else a plain process.
 *
 * TEST_REDIS=container makes a missing engine or image an error, =process never asks for one.
 * Not for outage tests: the port of a container changes when it restarts.
 */
export async function startTestRedis(): Promise<TestRedis> {
  const wish = process.env.TEST_REDIS ?? 'auto';
  if (!['auto', 'container', 'process'].includes(wish)) {
    throw new Error(`TEST_REDIS is ${wish}, expected container, process or auto`);
  }
  if (wish === 'process') return startProcess();
  try {
    return await startContainer();
  } catch (error) {
    if (wish === 'container') throw error;
    console.info(`no container for Redis, a process instead: ${String(error)}`);
    return startProcess();
  }
}

async function startProcess(): Promise<TestRedis> {
  const server = await startRedis();
  return { url: server.url, kind: 'process', stop: () => server.stop() };
}

async function startContainer(): Promise<TestRedis> {
  // The reaper is an image of its own, which a closed network cannot pull; the end of the file stops ours.
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
  // Before it has started, so that a run interrupted meanwhile leaves none either.
  const forget = whenLeftOver(end, { kind: 'container', label: `${label.name}=${label.value}` });
  const container = await started;
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    kind: 'container',
    async stop() {
      await end();
      forget();
    },
  };
}
