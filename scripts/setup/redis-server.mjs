// Finds redis-server or valkey-server on this machine, or installs one. Prints its path.
import { findProgram, installPackage } from './program.mjs';
import { run, runAsProgram, SetupError } from './run.mjs';

const NAMES = ['redis-server', 'valkey-server'];
const PACKAGES = { 'apt-get': 'redis-server', dnf: 'valkey', apk: 'redis', brew: 'redis' };
const OLDEST_MAJOR = 7;

/**
 * Gives the path of a Redis server that is new enough, installing one when there is none.
 *
 * @throws SetupError when there is none and it cannot be installed, or when all that are here are too old
 */
export async function ensureRedisServer(options = {}) {
  const found = NAMES.map(findProgram).filter((file) => file !== undefined);
  if (found.length === 0) {
    await installPackage('A Redis server', PACKAGES, options);
    found.push(...NAMES.map(findProgram).filter((file) => file !== undefined));
  }
  const tooOld = [];
  for (const file of found) {
    const { output } = await run(file, ['--version'], { quiet: true, signal: options.signal });
    const version = /\bv=(\d+)[\d.]*/.exec(output);
    if (version && Number(version[1]) >= OLDEST_MAJOR) return file;
    tooOld.push(`${file} (${version ? version[0] : 'version not readable'})`);
  }
  throw new SetupError(`Redis ${OLDEST_MAJOR}.0 or later is needed; here: ${tooOld.join(', ') || 'none'}.
Install a newer one so that it comes first on the PATH, or point REDIS_URL at one.`);
}

await runAsProgram(import.meta.url, ensureRedisServer);
