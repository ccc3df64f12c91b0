import { hasCode } from '../../errors.ts';
import { FORMAT_VERSION, type Keys } from '../keys.ts';
import type { Client } from './connect.ts';
import { answered } from './failures.ts';
import type { Layout } from './format.ts';

/** `refused`: this server is a replica. `unverified`: the layout of its keys has not been compared yet. */
export type WriteState = 'ok' | 'full' | 'refused' | 'unverified';

/** Checks that Redis can do what a turn needs, by writes that change nothing. All methods throw redis_unavailable. */
export class WriteProbe {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #layout: Readonly<Layout>;

  constructor(client: Client, keys: Keys, layout: Readonly<Layout>) {
    this.#client = client;
    this.#keys = keys;
    this.#layout = layout;
  }

  /** Needs no memory, and goes to the key that lists every new turn: in a Cluster its node must be up as well. */
  async write(): Promise<WriteState> {
    const state = await stateOf(this.#client.zrem(this.#keys.running, '-'));
    return this.#layout.isOurs ? state : 'unverified';
  }

  /** Needs memory: writes the mark of the layout, which every replica sets. */
  room(): Promise<WriteState> {
    return stateOf(this.#client.setnx(this.#keys.format, FORMAT_VERSION));
  }
}

async function stateOf(write: Promise<unknown>): Promise<WriteState> {
  try {
    await answered(write);
    return 'ok';
  } catch (error) {
    if (hasCode(error, 'storage_full')) return 'full';
    // A key of another type is for the operator to fix; it blocks no turn.
    if (hasCode(error, 'corrupt_session')) return 'ok';
    if (error instanceof Error && error.cause instanceof Error && /^READONLY\b/.test(error.cause.message)) {
      return 'refused';
    }
    throw error;
  }
}
