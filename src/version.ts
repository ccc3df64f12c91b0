import { readFileSync } from 'node:fs';

/** The version in this program's package.json, which is beside `src/` and beside `dist/`. */
export const VERSION = versionIn(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

function versionIn(text: string): string {
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}
