import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Names of the product's scripts by their digest, so that a fault can be aimed at one kind of command. */
export function scriptNames(entry: string): ReadonlyMap<string, string> {
  const folder = join(dirname(entry), 'redis', 'scripts');
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  const names = new Map<string, string>();
  for (const file of readdirSync(folder)) {
    if (!file.endsWith('.lua') || file.endsWith('.include.lua')) continue;
    const text = read(file);
    const include = /^-- include (\S+)$/m.exec(text)?.[1];
    const whole = include === undefined ? text : `${read(`${include}.include.lua`)}\n${text}`;
    names.set(createHash('sha1').update(whole).digest('hex'), file.slice(0, -'.lua'.length));
  }
  return names;
}
