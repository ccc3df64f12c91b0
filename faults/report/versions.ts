import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { join } from 'node:path';
import { commitOfCheckout } from '../../testkit/process/commit.ts';
import { findRedisServer } from '../../testkit/redis/redis.ts';
import { ROOT } from '../rig/product.ts';

/** A path in docs/evidence. */
export function evidenceFile(name: string): string {
  const folder = join(ROOT, 'docs', 'evidence');
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}

/** One line about the environment of a run. */
export function versions(): string {
  const redis = execFileSync(findRedisServer(), ['--version'], { encoding: 'utf8' });
  const server = /v=(\S+)/.exec(redis)?.[1] ?? redis.trim();
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const machine = `${cpus().length} processors, ${platform()} ${arch()}`;
  return `Turnwise ${version}, ${commitOfCheckout()}, Node ${process.version}, Redis ${server}, ${machine}`;
}
