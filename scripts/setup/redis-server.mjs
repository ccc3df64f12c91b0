// Finds redis-server or valkey-server on this machine, or installs one. Prints its path.
import { findProgram, installPackage } from './program.mjs';
import { run, runAsProgram, SetupError } from './run.mjs';

const NAMES = ['redis-server', 'valkey-server'];
const PACKAGES = { 'apt-get': 'redis-server', dnf: 'valkey', apk: 'redis', brew: 'redis' };
const OLDEST = { Redis: 7, Valkey: 8 };

/**
 * The path of a Redis server that is new enough, installed when missing.
 *
 * @throws SetupError when it is missing and cannot be installed, or when every installed one is too old
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
    const { product, version } = productOf(output);
    if (Number.parseInt(version, 10) >= OLDEST[product]) return file;
    tooOld.push(`${file} (${product} ${version})`);
  }
  throw new SetupError(`Redis ${OLDEST.Redis}.0 or Valkey ${OLDEST.Valkey}.0 or later is needed; here: ${tooOld.join(', ') || 'none'}.
Install a newer one so that it comes first on the PATH, or point REDIS_URL at one.`);
}

/** Valkey 7 prints neither name, and some systems call it redis-server: only Redis prints "Redis". */
function productOf(output) {
  const product = output.includes('Redis server') ? 'Redis' : 'Valkey';
  return { product, version: /\bv=([\d.]+)/.exec(output)?.[1] ?? 'of unknown version' };
}

await runAsProgram(import.meta.url, ensureRedisServer);
