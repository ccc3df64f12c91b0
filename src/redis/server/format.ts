import { FORMAT_VERSION, type Keys } from '../keys.ts';
import type { Client } from './connect.ts';
import { answered } from './failures.ts';

/** The keys in Redis have another layout: it must not be mixed with what this version would write. */
export class FormatError extends Error {
  constructor(found: string) {
    super(`the keys in Redis have layout ${found}; this version knows ${FORMAT_VERSION}`);
  }
}

/** @throws FormatError; what Redis throws */
export async function refuseOtherFormat(client: Client, keys: Keys): Promise<void> {
  const found = await answered(client.get(keys.format));
  if (found !== null && found !== FORMAT_VERSION) throw new FormatError(found);
}

/** Writes the version of our layout where there is none yet. @throws as refuseOtherFormat */
export async function markFormat(client: Client, keys: Keys): Promise<void> {
  await answered(client.setnx(keys.format, FORMAT_VERSION));
  await refuseOtherFormat(client, keys);
}
