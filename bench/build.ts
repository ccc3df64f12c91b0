import { execFileSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whenLeftOver } from '../test/support/left-overs.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Builds the server from this source into a folder of its own: what stands in dist may be older, or change
 * while it is measured. The folder goes when the program ends.
 *
 * @returns its entry
 */
export function buildServer(): string {
  // Below node_modules, so that the copy finds its packages.
  const parent = join(ROOT, 'node_modules/.cache/bench');
  mkdirSync(parent, { recursive: true });
  // The program looks for it beside its own folder.
  copyFileSync(join(ROOT, 'package.json'), join(parent, 'package.json'));
  const folder = mkdtempSync(join(parent, 'build-'));
  whenLeftOver(() => rmSync(folder, { recursive: true, force: true }), { kind: 'folder', path: folder });
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', 'tsconfig.build.json', '--outDir', folder];
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  for (const file of globSync('**/*.lua', { cwd: join(ROOT, 'src') })) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    copyFileSync(join(ROOT, 'src', file), join(folder, file));
  }
  return join(folder, 'main.js');
}
