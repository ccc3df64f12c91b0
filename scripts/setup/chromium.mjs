// Finds a Chromium on this machine, or installs one: browser tests drive it. Prints its path.
import { findProgram, installPackage } from './program.mjs';
import { run, runAsProgram, SetupError } from './run.mjs';

const CANDIDATES = [
  'chromium',
  'google-chrome',
  'google-chrome-stable',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'chromium-browser',
];
const PACKAGES = { 'apt-get': 'chromium', dnf: 'chromium', apk: 'chromium' };

/**
 * Gives the path of a browser that starts: CHROMIUM_PATH when set, else one that is installed, else a new one.
 *
 * @throws SetupError when there is none and it cannot be installed
 */
export async function ensureChromium(options = {}) {
  const named = process.env.CHROMIUM_PATH;
  if (named) {
    if (await starts(named, options)) return named;
    throw new SetupError(`CHROMIUM_PATH is ${named}, and no browser starts there.`);
  }
  const found = await firstThatStarts(options);
  if (found) return found;
  await installPackage('Chromium', PACKAGES, options);
  const installed = await firstThatStarts(options);
  if (installed) return installed;
  throw new SetupError(
    'Chromium was installed but does not start. Set CHROMIUM_PATH to a browser that does.',
  );
}

async function firstThatStarts(options) {
  for (const candidate of CANDIDATES) {
    if (await starts(candidate, options)) return findProgram(candidate);
  }
  return undefined;
}

// Ubuntu's chromium-browser is a script that asks for a snap: being there is not enough.
async function starts(candidate, { signal }) {
  const file = findProgram(candidate);
  if (!file) return false;
  const { code } = await run(file, ['--version'], { quiet: true, signal, timeoutMs: 20_000 });
  return code === 0;
}

await runAsProgram(import.meta.url, ensureChromium);
