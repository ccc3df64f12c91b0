import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ROOT } from '../build.ts';

const run = promisify(execFile);

/** Longest that an installation may take. */
const INSTALL_MS = 300_000;

/** The folder of a peer; nothing of it is part of this repository, or of its packages. */
export function folderOf(name: string): string {
  return join(ROOT, 'bench/out/peers', name);
}

/** Exact versions by package; `npm install` without their scripts. */
export async function installPackages(
  name: string,
  dependencies: Readonly<Record<string, string>>,
  overrides: Readonly<Record<string, string>> = {},
): Promise<void> {
  const wanted = JSON.stringify({ private: true, type: 'module', dependencies, overrides }, null, 2);
  await unlessThere(name, wanted, async (folder) => {
    writeFileSync(join(folder, 'package.json'), wanted);
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund'];
    await run('npm', args, { cwd: folder, timeout: INSTALL_MS });
  });
}

/** Exact versions, as pip names them, in a virtual environment. */
export async function installRequirements(name: string, requirements: readonly string[]): Promise<void> {
  await unlessThere(name, requirements.join('\n'), async (folder) => {
    await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_MS });
    const args = ['install', '--quiet', '--disable-pip-version-check', ...requirements];
    await run(join(folder, 'bin/pip'), args, { timeout: INSTALL_MS });
  });
}

/** Copies a file of ours beside a peer's packages, where its imports are found. @returns its path there */
export function copyIn(name: string, file: string): string {
  const copy = join(folderOf(name), file);
  copyFileSync(fileURLToPath(new URL(file, import.meta.url)), copy);
  return copy;
}

/** The note is written last: what broke off is done again. */
async function unlessThere(
  name: string,
  wanted: string,
  install: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = folderOf(name);
  const note = join(folder, 'installed.txt');
  if (existsSync(note) && readFileSync(note, 'utf8') === wanted) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await install(folder);
  writeFileSync(note, wanted);
}
