import { spawnSync } from 'node:child_process';
import { defineConfig } from 'vitest/config';
import { testSeed } from './testkit/seed.ts';

/** `npm run test:long`: what takes its time as well, and outages of a minute. */
const isLong = process.env.TEST_LONG === '1';

const files = (names: readonly string[]) => names.map((name) => `test/${name}.test.ts`);

/**
 * The fast loop, `npm test`: core, HTTP and model in the process of the test, on a real Redis that the files of a worker share.
 * Nothing is built. Each of these files runs once more on processes of the built server: on a Cluster, or alone.
 */
const inProcess = files([
  'ag-ui/errors',
  'ag-ui/example',
  'ag-ui/frames',
  'ag-ui/http-agent',
  'ag-ui/openapi',
  'ag-ui/resume',
  'chat-completions/errors',
  'chat-completions/frameworks',
  'chat-completions/frames',
  'chat-completions/openai-package',
  'chat-completions/openapi',
  'chat-completions/requests',
  'chat-completions/sessions',
  'integration/api-chat',
  'integration/api-sessions',
  'integration/bad-input',
  'integration/chat-client',
  'integration/context',
  'integration/edited-keys',
  'integration/model',
  'integration/model-errors',
  'integration/model-needs',
  'integration/model-wire',
  'integration/openapi',
  'replicas/on-busy',
  'replicas/repeat',
  'replicas/resume',
  'replicas/stop',
  'replicas/unread',
  'ui/ui-chat',
  'ui/ui-regenerate',
]);

/** What needs no build. */
const pure = ['', 'core/**/', 'doors/**/', 'unit/**/'].map((folder) => `test/${folder}*.test.ts`);

/** Of those, what reads the build. */
const readsBuild = files(['unit/patches']);

/** Replicas as processes of the built server. */
const served = [
  'ag-ui',
  'bench',
  'chat-completions',
  'cluster',
  'integration',
  'replicas',
  'sentinel',
  'ui',
].map((folder) => `test/${folder}/**/*.test.ts`);

/** What must hold on a Cluster just as on one server; the same files, run once more. */
const onCluster = files([
  'integration/api-chat',
  'integration/api-operation',
  'integration/api-sessions',
  'integration/context',
  'integration/edited-keys',
  'integration/expiry',
  'integration/reconcile',
  'replicas/commit',
  'replicas/isolation',
  'replicas/on-busy',
  'replicas/order',
  'replicas/redis-full',
  'replicas/repeat',
  'replicas/resume',
  'replicas/stop',
  'replicas/takeover',
]);

/** The same, but there it differs least, or waits longest. */
const onClusterToo = files([
  'chat-completions/sessions',
  'integration/bad-bytes',
  'integration/cli',
  'integration/bad-input',
  'integration/connections',
  'integration/doctor',
  'integration/model',
  'integration/reconcile-safe',
  'replicas/balancer',
  'replicas/limits',
  'replicas/counted-ends',
  'replicas/drain',
  'replicas/many-turns',
  'replicas/redis-down',
  'replicas/redis-faults',
  'replicas/unread',
  'ui/ui-chat',
  'ui/ui-regenerate',
]);

/** What must hold whichever replica a balancer chooses. */
const throughBalancer = files([
  'replicas/on-busy',
  'replicas/repeat',
  'replicas/resume',
  'replicas/stop',
  'replicas/isolation',
  'ui/ui-chat',
  'ui/ui-regenerate',
]);

/**
 * What loads a small machine by itself, run when the others are done: beside them it would see the machine's
 * limits, not the server's.
 */
const alone = files([
  'replicas/slow-way',
  'replicas/many-turns',
  'replicas/rolling-restart',
  'integration/clients',
  'integration/event-loop',
]);

/** Asked once for all files: where an engine answers, tests that only use Redis get it from its image. */
function findRedis(): string {
  const docker = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  // The client alone exits with 0 in some versions although no engine answered.
  return /^\d/.test(docker.stdout ?? '') ? 'auto' : 'process';
}

const layer = (
  name: string,
  include: readonly string[],
  more: {
    exclude?: readonly string[];
    env?: Record<string, string>;
    maxWorkers?: number;
    groupOrder?: number;
  } = {},
) => ({
  extends: true as const,
  test: {
    name,
    include: [...include],
    exclude: [...(more.exclude ?? [])],
    env: more.env ?? {},
    ...(more.maxWorkers === undefined ? {} : { maxWorkers: more.maxWorkers }),
    sequence: { groupOrder: more.groupOrder ?? 0 },
  },
});

export default defineConfig({
  test: {
    setupFiles: ['test/support/after-file.ts'],
    // One seed for all files of a run.
    env: {
      TEST_SEED: String(testSeed),
      TEST_REDIS: process.env.TEST_REDIS ?? findRedis(),
      ...(isLong ? { TEST_OUTAGE_SECONDS: '60' } : {}),
    },
    globalSetup: ['test/support/shared-redis-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    fileParallelism: true,
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      layer('fast', [...pure, ...inProcess], {
        exclude: readsBuild,
        env: { TEST_REPLICAS: 'in-process', TEST_TOPOLOGY: 'shared' },
      }),
      layer('processes', [...served, ...readsBuild], {
        exclude: [...alone, ...inProcess.filter((file) => onCluster.includes(file))],
      }),
      layer('browser', ['test/browser/**/*.test.ts']),
      layer('cluster', [...onCluster, ...(isLong ? onClusterToo : [])], {
        env: { TEST_TOPOLOGY: 'cluster' },
      }),
      layer('balanced', throughBalancer, { env: { TEST_BALANCER: 'haproxy' } }),
      layer('alone', alone, { maxWorkers: 1, groupOrder: 1 }),
    ],
  },
});
