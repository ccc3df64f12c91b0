import { execFileSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whenLeftOver } from '../testkit/process/left-overs.ts';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Builds the server from this source into a new folder: dist may be older, or change
 * during the measurement.
 *
 * @returns its entry
 */
export function buildServer(): string {
  const folder = temporaryBuild();
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const args = [compiler, '-p', 'tsconfig.build.json', '--outDir', folder];
  execFileSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  for (const file of globSync('**/*.lua', { cwd: join(ROOT, 'src') })) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    copyFileSync(join(ROOT, 'src', file), join(folder, file));
  }
  return join(folder, 'main.js');
}

/** An empty folder in which a built server finds its packages; deleted when the program ends. */
export function temporaryBuild(): string {
  // Below node_modules, where Node looks for packages.
  const parent = join(ROOT, 'node_modules/.cache/bench');
  mkdirSync(parent, { recursive: true });
  // The program looks for it beside its own folder.
  copyFileSync(join(ROOT, 'package.json'), join(parent, 'package.json'));
  const folder = mkdtempSync(join(parent, 'build-'));
  whenLeftOver(() => rmSync(folder, { recursive: true, force: true }), { kind: 'folder', path: folder });
  return folder;
}
