import { defineConfig } from 'vitest/config';
import { testSeed } from './test/support/seed.ts';

/** What must hold on a Cluster just as on one server; the same files, run once more. */
const alsoOnCluster = [
  'takeover',
  'stop',
  'on-busy',
  'resume',
  'repeat',
  'order',
  'isolation',
  'expiry',
  'reconcile',
].map((name) => `test/*/${name}.test.ts`);

export default defineConfig({
  test: {
    setupFiles: ['test/support/after-file.ts'],
    // One seed for all files of a run.
    env: { TEST_SEED: String(testSeed) },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    fileParallelism: true,
    maxWorkers: 2,
    reporters: ['default'],
    projects: [
      { extends: true, test: { name: 'standalone', include: ['test/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'cluster', include: alsoOnCluster, env: { TEST_TOPOLOGY: 'cluster' } },
      },
    ],
  },
});
