// Finds haproxy on this machine, or installs it: tests run it as a process. Prints its path.
import { findProgram, installPackage } from './program.mjs';
import { runAsProgram, SetupError } from './run.mjs';

const PACKAGES = { 'apt-get': 'haproxy', dnf: 'haproxy', apk: 'haproxy', brew: 'haproxy' };

/**
 * The path of haproxy, installed when missing.
 *
 * @throws SetupError when it is missing and cannot be installed
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
