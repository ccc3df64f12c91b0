import { globSync } from 'node:fs';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Ledger } from './promise.ts';
import { REPOSITORY } from './source-files.ts';

/** The ledger of each folder of tests, by its path. */
export async function ledgers(): Promise<ReadonlyMap<string, Ledger>> {
  const found = globSync('test/**/promises.ts', { cwd: REPOSITORY }).sort();
  const entries = found.map(async (path): Promise<[string, Ledger]> => {
    const { PROMISES } = (await import(pathToFileURL(`${REPOSITORY}${path}`).href)) as { PROMISES: Ledger };
    return [dirname(path), PROMISES];
  });
  return new Map(await Promise.all(entries));
}
