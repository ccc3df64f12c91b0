import { retry } from '../../conversation/waiting.ts';
import { hasCode } from '../../errors.ts';
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
async function markFormat(client: Client, keys: Keys): Promise<void> {
  await answered(client.setnx(keys.format, FORMAT_VERSION)).catch((error: unknown) => {
    // What a full Redis holds can still be read and compared; the mark is set with the next connection.
    if (!hasCode(error, 'storage_full')) throw error;
  });
  await refuseOtherFormat(client, keys);
}

const RETRY_MS = 250;

/** What is known of the layout of the keys. */
export interface Layout {
  /** This version's own: it was compared. */
  isOurs: boolean;
}

/**
 * Compares the layout with each connection. Until the first comparison has succeeded a replica is not ready and admits
 * no turn: it might write keys that the replicas beside it cannot read.
 *
 * @param otherFormat  called when this version does not know the layout
 */
export function verifyFormat(
  client: Client,
  keys: Keys,
  otherFormat: (error: FormatError) => void,
): Readonly<Layout> {
  const layout: Layout = { isOurs: false };
  const isConnected = () => client.status === 'ready';
  client.on('ready', () => {
    retry(() => markFormat(client, keys), {
      forMs: Number.POSITIVE_INFINITY,
      pauseMs: () => RETRY_MS,
      // The next connection begins anew.
      mayPass: (error) => !(error instanceof FormatError) && isConnected(),
      isBackground: true,
    }).then(
      () => {
        layout.isOurs = true;
      },
      (error: unknown) => {
        if (error instanceof FormatError) otherFormat(error);
      },
    );
  });
  return layout;
}
