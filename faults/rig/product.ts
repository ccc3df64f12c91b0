import { execFile } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = join(import.meta.dirname, '..', '..');

/** Inside node_modules, so that a copy of the product finds its packages and tools ignore it. */
const CACHE = join(ROOT, 'node_modules', '.cache', 'faults');

const isFolderOrLua = (file: string) => statSync(file).isDirectory() || extname(file) === '.lua';

/**
 * A copy of the built product, because dist may be rebuilt during a run.
 *
 * @returns the folder; its `main.js` is the program
 */
export async function buildProduct(): Promise<string> {
  mkdirSync(CACHE, { recursive: true });
  // The program looks for it beside its own folder.
  copyFileSync(join(ROOT, 'package.json'), join(CACHE, 'package.json'));
  const fresh = mkdtempSync(join(CACHE, 'build-'));
  if (isBuilt()) {
    cpSync(join(ROOT, 'dist'), fresh, { recursive: true });
  } else {
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh];
    await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    cpSync(join(ROOT, 'src'), fresh, { recursive: true, filter: isFolderOrLua });
  }
  return fresh;
}

/** Another copy, to be broken on purpose. */
export function copyProduct(product: string, name: string): string {
  const copy = join(CACHE, `broken-${name.replaceAll(/[^a-z0-9]+/g, '-')}`);
  rmSync(copy, { recursive: true, force: true });
  cpSync(product, `${copy}.new`, { recursive: true });
  renameSync(`${copy}.new`, copy);
  return copy;
}

export function removeProduct(product: string): void {
  rmSync(product, { recursive: true, force: true });
}

/** Whether `dist` was built after the last change of the sources. */
function isBuilt(): boolean {
  const mark = join(ROOT, 'dist', '.built');
  if (!existsSync(mark)) return false;
  const builtAt = statSync(mark).mtimeMs;
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return files.every((file) => statSync(join(ROOT, 'src', file)).mtimeMs < builtAt);
}
