import { readFileSync } from 'node:fs';

/** Of this program, as its package says; the file stands beside `src/` and beside `dist/`. */
export const VERSION = versionIn(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

function versionIn(text: string): string {
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
