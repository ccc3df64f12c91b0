import { defineConfig } from 'vitest/config';
import { testSeed } from './test/support/seed.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/after-file.ts'],
    // One seed for all files of a run.
    env: { TEST_SEED: String(testSeed) },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    fileParallelism: true,
    maxWorkers: 2,
    reporters: ['default'],
  },
});
