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
    const node = this.#client instanceof Cluster ? nodeOf(this.#client, key) : '';
    const gate = this.#gates.get(node) ?? new BulkGate();
    this.#gates.set(node, gate);
    return gate;
  }
}

function nodeOf(cluster: Cluster, key: string): string {
  return cluster.slots[new Command('get', [key]).getSlot()]?.[0] ?? '';
}
