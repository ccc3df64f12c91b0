import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { root } from '../setup/run.mjs';

const SOURCES = ['src', 'web', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
const NOT_SOURCES = new Set(['node_modules', 'dist']);

/** Whether any source is newer than the last successful build. */
export function isBuildNeeded() {
  const built = statSync(path.join(root, 'dist/.built'), { throwIfNoEntry: false });
  return !built || SOURCES.some((name) => isNewer(path.join(root, name), built.mtimeMs));
}

// Folders count too: their time changes when a file is removed.
function isNewer(file, timeMs) {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (!stats) return false;
  if (stats.mtimeMs > timeMs) return true;
  if (!stats.isDirectory()) return false;
  return readdirSync(file)
    .filter((name) => !NOT_SOURCES.has(name))
    .some((name) => isNewer(path.join(file, name), timeMs));
}
