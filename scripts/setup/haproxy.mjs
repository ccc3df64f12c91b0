// Finds haproxy on this machine, or installs it: tests run it as a process. Prints its path.
import { findProgram, installPackage } from './program.mjs';
import { runAsProgram, SetupError } from './run.mjs';

const PACKAGES = { 'apt-get': 'haproxy', dnf: 'haproxy', apk: 'haproxy', brew: 'haproxy' };

/**
 * Gives the path of haproxy, installing it when there is none.
 *
 * @throws SetupError when there is none and it cannot be installed
 */
export async function ensureHaproxy(options = {}) {
  const found = findProgram('haproxy');
  if (found) return found;
  await installPackage('HAProxy', PACKAGES, options);
  const installed = findProgram('haproxy');
  if (!installed) throw new SetupError('HAProxy was installed, but haproxy is not on the PATH.');
  return installed;
}

await runAsProgram(import.meta.url, ensureHaproxy);
