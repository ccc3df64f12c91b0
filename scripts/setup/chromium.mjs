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
 * The path of a browser that starts: CHROMIUM_PATH when set, otherwise an installed one, otherwise a new one.
 *
 * @throws SetupError when it is missing and cannot be installed
 */
export async function ensureChromium(options = {}) {
  const named = process.env.CHROMIUM_PATH;
  if (named) {
    if (await starts(named, options)) return named;
    throw new SetupError(`CHROMIUM_PATH is ${named}, which does not start a browser.`);
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

// Ubuntu's chromium-browser is a script that asks for a snap: its existence is not enough.
async function starts(candidate, { signal }) {
  const file = findProgram(candidate);
  if (!file) return false;
  const { code } = await run(file, ['--version'], { quiet: true, signal, timeoutMs: 20_000 });
  return code === 0;
}

await runAsProgram(import.meta.url, ensureChromium);
