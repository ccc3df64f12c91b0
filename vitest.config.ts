import { spawnSync } from 'node:child_process';
import { defineConfig } from 'vitest/config';
import { testSeed } from './test/support/seed.ts';

/** `npm run test:long`: what takes its time as well, and outages of a minute. */
const isLong = process.env.TEST_LONG === '1';

/** What must hold on a Cluster just as on one server; the same files, run once more. */
const onCluster = [
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
];

/** The same, but there it differs least, or waits longest. */
const onClusterToo = [
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
];

/**
 * Not those that put a proxy between one replica and Redis: the nodes of a Cluster tell their own addresses, and a client
 * goes there.
 */
const alsoOnCluster = [...onCluster, ...(isLong ? onClusterToo : [])].map((name) => `test/${name}.test.ts`);

/** What must hold whichever replica a balancer chooses. */
const alsoThroughBalancer = ['on-busy', 'repeat', 'resume', 'stop', 'isolation'].map(
  (name) => `test/replicas/${name}.test.ts`,
);

/**
 * What loads a small machine by itself, run when the others are done: beside them it would see the machine's
 * limits, not the server's.
 */
const alone = [
  'test/replicas/slow-way.test.ts',
  'test/replicas/many-turns.test.ts',
  'test/replicas/rolling-restart.test.ts',
  'test/integration/clients.test.ts',
  'test/integration/event-loop.test.ts',
];

/** Asked once for all files: where an engine answers, tests that only use Redis get it from its image. */
function findRedis(): string {
  const docker = spawnSync('docker', ['info', '--format', '{{.ServerVersion}}'], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  // The client alone exits with 0 in some versions although no engine answered.
  return /^\d/.test(docker.stdout ?? '') ? 'auto' : 'process';
}

export default defineConfig({
  test: {
    setupFiles: ['test/support/after-file.ts'],
    // One seed for all files of a run.
    env: {
      TEST_SEED: String(testSeed),
      TEST_REDIS: process.env.TEST_REDIS ?? findRedis(),
      ...(isLong ? { TEST_OUTAGE_SECONDS: '60' } : {}),
    },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    fileParallelism: true,
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'standalone',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: alsoOnCluster,
          env: { TEST_TOPOLOGY: 'cluster' },
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'balanced',
          include: alsoThroughBalancer,
          env: { TEST_BALANCER: 'haproxy' },
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
