import { spawnSync } from 'node:child_process';
import { defineConfig } from 'vitest/config';
import { testSeed } from './test/support/seed.ts';

/** What must hold on a Cluster just as on one server; the same files, run once more. */
const alsoOnCluster = [
  'integration/api-chat',
  'integration/api-operation',
  'integration/api-sessions',
  'integration/bad-bytes',
  'integration/bad-input',
  'integration/cli',
  'integration/context',
  'integration/doctor',
  'integration/edited-keys',
  'integration/expiry',
  'integration/reconcile',
  'integration/reconcile-safe',
  'replicas/commit',
  'replicas/counted-ends',
  'replicas/drain',
  'replicas/isolation',
  'replicas/limits',
  'replicas/on-busy',
  'replicas/order',
  'replicas/redis-down',
  'replicas/redis-faults',
  'replicas/redis-full',
  'replicas/repeat',
  'replicas/resume',
  'replicas/stop',
  'replicas/takeover',
  'replicas/unread',
].map((name) => `test/${name}.test.ts`);

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
    env: { TEST_SEED: String(testSeed), TEST_REDIS: process.env.TEST_REDIS ?? findRedis() },
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
