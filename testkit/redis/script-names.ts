import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as ScriptSource from '../../src/redis/script-source.ts';

/**
 * Names of the product's scripts by digest, so that a fault can aim at one kind of command. The product under test
 * may be another build than this one, so it is asked for its own scripts.
 */
export async function scriptNames(entry: string): Promise<ReadonlyMap<string, string>> {
  const module = pathToFileURL(join(dirname(entry), 'redis', 'script-source.js')).href;
  return namesBy((await import(module)) as typeof ScriptSource);
}

/** The same for replicas of the sources. */
export function scriptNamesOfSources(): ReadonlyMap<string, string> {
  return namesBy(ScriptSource);
}

function namesBy({ scriptNames, readScript }: typeof ScriptSource): ReadonlyMap<string, string> {
  return new Map(
    scriptNames().map((name) => [createHash('sha1').update(readScript(name)).digest('hex'), name]),
  );
}
