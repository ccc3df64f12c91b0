import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The commit of this checkout, as a page of figures names it; says so when files differ from it, or there is none. */
export function commitOfCheckout(): string {
  const head = git('rev-parse', '--short=10', 'HEAD');
  if (head === null) return 'no commit';
  // What a run writes itself is no other source.
  const changed = git(
    'status',
    '--porcelain',
    '--',
    '.',
    ':!docs/evidence',
    ':!bench/README.md',
    ':!bench/results',
  );
  return `commit ${head}${changed === '' ? '' : ' with changes'}`;
}

function git(...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}
