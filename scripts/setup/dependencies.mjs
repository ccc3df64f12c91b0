// Installs the npm packages when they are missing or older than package-lock.json.
import { statSync } from 'node:fs';
import path from 'node:path';
import { findProgram } from './program.mjs';
import { root, run, runAsProgram, SetupError } from './run.mjs';

export const NODE_MAJOR = 24;

/** The Node that `npm` scripts use: the `node` package, whatever the host has installed. */
export const projectNode = path.join(root, 'node_modules/.bin/node');

/**
 * Runs `npm ci` when needed and checks that Node 24 is there afterwards.
 *
 * @returns what was done, one line
 * @throws  SetupError when npm fails or when Node 24 is not there
 */
export async function ensureDependencies({ signal, say = console.log } = {}) {
  const needed = isInstallNeeded();
  if (needed) {
    say('Installing the npm packages: npm ci');
    const { code, output } = await run('npm', ['ci', '--no-audit', '--no-fund'], { quiet: true, signal });
    if (code !== 0) throw new SetupError(`${output.trim()}\nnpm ci failed; its output is above.`);
  }
  await checkProjectNode(signal);
  return needed ? 'installed with npm ci' : 'already installed';
}

function isInstallNeeded() {
  const installed = statSync(path.join(root, 'node_modules/.package-lock.json'), { throwIfNoEntry: false });
  if (!installed) return true;
  return statSync(path.join(root, 'package-lock.json')).mtimeMs > installed.mtimeMs;
}

async function checkProjectNode(signal) {
  if (!findProgram(projectNode)) {
    throw new SetupError(`${projectNode} is missing: npm did not run the install script of the package "node".
Look for ignore-scripts in "npm config list", then run: npm rebuild node --ignore-scripts=false`);
  }
  const { output } = await run(projectNode, ['--version'], { quiet: true, signal });
  if (!output.startsWith(`v${NODE_MAJOR}.`)) {
    throw new SetupError(`Node ${NODE_MAJOR} is needed, but ${projectNode} is ${output.trim() || 'not runnable'}.
Delete node_modules and run this again.`);
  }
}

await runAsProgram(import.meta.url, ensureDependencies);
