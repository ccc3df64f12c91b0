import { Cluster, Command } from 'ioredis';
import { BulkGate } from './bulk-gate.ts';
import type { Client } from './connect.ts';

/** A gate for each connection that large writes take. */
export class BulkGates {
  readonly #client: Client;
  readonly #gates = new Map<string, BulkGate>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** By the node of a Cluster that has the key: one that is away must not hold up what goes to the others. */
  of(key: string): BulkGate {
    const slots = this.#client instanceof Cluster ? this.#client.slots : [];
    const node = slots[new Command('get', [key]).getSlot()]?.[0] ?? '';
    const gate = this.#gates.get(node) ?? new BulkGate();
    this.#gates.set(node, gate);
    return gate;
  }
}
