import type { Client } from './connect.ts';
import { FORMAT_VERSION, type Keys } from './keys.ts';

/** Marks the layout's version, or finds that another one is there. @returns the version found */
export async function checkFormat(client: Client, keys: Keys): Promise<'ours' | { readonly found: string }> {
  await client.setnx(keys.format, FORMAT_VERSION);
  const found = await client.get(keys.format);
  return found === FORMAT_VERSION ? 'ours' : { found: found ?? 'none' };
}
