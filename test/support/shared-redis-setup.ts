import type { TestProject } from 'vitest/node';
import { startSharedRedis } from '../../testkit/redis/shared-redis.ts';

/** One Redis for each worker of the fast layer. @returns stops them */
export default function setup(project: TestProject): Promise<() => Promise<void>> {
  return startSharedRedis(Number(project.globalConfig.maxWorkers ?? 2));
}
