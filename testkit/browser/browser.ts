import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { whenLeftOver } from '../process/left-overs.ts';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a browser with a new profile, which is deleted with it. */
export async function startBrowser(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: flags, headless: true });
  const forget = whenLeftOver(() => browser.close());
  browser.once('disconnected', forget);
  return browser;
}

/**
 * The browser in CHROMIUM_PATH, otherwise one on PATH.
 *
 * @throws   when none is found, with the command that finds or installs one
 */
function findChromium(): string {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== '') return named;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser']) {
    for (const folder of folders) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Try the next one.
      }
    }
  }
  throw new Error('The browser tests need Chromium. Find or install it: node scripts/setup/chromium.mjs');
}
