import { execFileSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { commitOfCheckout } from '../../testkit/process/commit.ts';
import { findRedisServer } from '../../testkit/redis/redis.ts';

/** The machine that the figures were measured on, and its other load. */
export function machineLine(date: Date = new Date()): string {
  const redis = execFileSync(findRedisServer(), ['--version'], { encoding: 'utf8' });
  const version = /v=(\S+)/.exec(redis)?.[1] ?? 'unknown';
  const load = loadavg()[0]?.toFixed(1) ?? '?';
  return `${date.toISOString().slice(0, 10)}, ${commitOfCheckout()}: ${availableParallelism()} cores, ${process.platform} ${process.arch}, Node ${process.versions.node}, Redis ${version}; load average when it began: ${load}.`;
}
