import type { Client } from './connect.ts';
import { FORMAT_VERSION, type Keys } from './keys.ts';

/** Marks the layout's version, or finds that another one is there. @returns the version found */
export async function checkFormat(client: Client, keys: Keys): Promise<'ours' | { readonly found: string }> {
  await client.setnx(keys.format, FORMAT_VERSION);
  const found = await client.get(keys.format);
  return found === FORMAT_VERSION ? 'ours' : { found: found ?? 'none' };
}

/** Marks nothing. @throws when another layout is there: what this version would write must not be mixed with it */
export async function refuseOtherFormat(client: Client, keys: Keys): Promise<void> {
  const found = await client.get(keys.format);
  if (found === null || found === FORMAT_VERSION) return;
  throw new Error(`the keys in Redis have layout ${found}; this version knows ${FORMAT_VERSION}`);
}
