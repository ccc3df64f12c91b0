import { Cluster, Command } from 'ioredis';
import type { Client } from '../server/connect.ts';

/** Smaller writes pass at once: short turns do not wait for long ones. */
const SMALL_BYTES = 16_384;

/** More than Redis takes in during one round trip; a network of 2 MB/s carries it within the time of a command. */
const MOST_BYTES = 500_000;

/**
 * Lets large writes out on one connection a few at a time, first come, first served. Hundreds of long answers that end
 * together would hold up each other and everything else until each times out, and then be sent again. Without it 500
 * answers of 1 MB were committed after 67 s on a busy machine, sixty of 500 kB over 10 MB/s never.
 */
export class BulkGate {
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  #bytesOnTheWay = 0;

  /** Sends when there is room. */
  async pass<T>(bytes: number, send: () => Promise<T>): Promise<T> {
    const sent = this.passNow(bytes, send);
    if (sent !== null) return sent;
    await this.#wait(bytes).entered;
    return this.#count(bytes, send);
  }

  /** Sends when there is room within a time, or not at all. @returns null when there was none */
  async passWithin<T>(bytes: number, withinMs: number, send: () => Promise<T>): Promise<T | null> {
    const sent = this.passNow(bytes, send);
    if (sent !== null) return sent;
    const { entered, leave } = this.#wait(bytes);
    const timer = setTimeout(leave, withinMs);
    const hasRoom = await entered;
    clearTimeout(timer);
    return hasRoom ? this.#count(bytes, send) : null;
  }

  /** `entered`: whether there was room before `leave`. */
  #wait(bytes: number): { readonly entered: Promise<boolean>; leave(): void } {
    const { promise: entered, resolve } = Promise.withResolvers<boolean>();
    const waiting = { bytes, enter: () => resolve(true) };
    this.#waiting.push(waiting);
    const leave = () => {
      const at = this.#waiting.indexOf(waiting);
      if (at >= 0) this.#waiting.splice(at, 1);
      resolve(false);
    };
    return { entered, leave };
  }

  /** Sends at once, or not at all. @returns null when there is no room */
  passNow<T>(bytes: number, send: () => Promise<T>): Promise<T> | null {
    if (bytes <= SMALL_BYTES) return send();
    if (this.#waiting.length > 0 || !this.#hasRoom(bytes)) return null;
    this.#bytesOnTheWay += bytes;
    return this.#count(bytes, send);
  }

  async #count<T>(bytes: number, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } finally {
      this.#bytesOnTheWay -= bytes;
      this.#letIn();
    }
  }

  /** A write that is too large by itself goes when nothing else is on the way. */
  #hasRoom(bytes: number): boolean {
    return this.#bytesOnTheWay === 0 || this.#bytesOnTheWay + bytes <= MOST_BYTES;
  }

  #letIn(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#hasRoom(next.bytes)) return;
      this.#waiting.shift();
      this.#bytesOnTheWay += next.bytes;
      next.enter();
    }
  }
}

/** A gate for each connection that large writes take. */
export class BulkGates {
  readonly #client: Client;
  readonly #gates = new Map<string, BulkGate>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** By the node of a Cluster that has the key: an unreachable node must not hold up writes to the others. */
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
