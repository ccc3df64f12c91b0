import type { Socket } from 'node:net';
import type { RedisRequest } from './redis-request.ts';
import { createRespSplitter, isPush } from './resp.ts';
import { Wire, type WireCondition } from './wire.ts';

/**
 * What happens to a request. `lose-request`: it never arrives, and the connection breaks. `lose-reply`: it is executed,
 * and the connection breaks instead of its reply. `swallow-reply`: it is executed, but from its reply on nothing comes
 * back, on a connection that stays open.
 */
export type Fault = 'lose-request' | 'lose-reply' | 'swallow-reply';

/** What the proxy decides about a request, and about its reply; `undefined` lets it pass. */
export interface Decisions {
  read(bytes: Buffer): RedisRequest;
  request(request: RedisRequest): Fault | undefined | Promise<Fault | undefined>;
  reply(request: RedisRequest): 'cut' | undefined | Promise<'cut' | undefined>;
}

/** A request that Redis has received, and the fault for its reply. */
interface Sent {
  readonly request: RedisRequest;
  readonly fault: Fault | undefined;
}

/** One client's connection through the proxy: requests one way, replies the other, as whole values and in order. */
export class ProxiedConnection {
  /** Counts from 0 in opening order. */
  readonly number: number;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #decisions: Decisions;
  readonly #shared: Wire;
  readonly #own = new Wire();
  readonly #sent: Sent[] = [];
  #requestCount = 0;
  #isBlackHole = false;
  #isSwallowing = false;
  #toServer: Promise<unknown> = Promise.resolve();
  #toClient: Promise<unknown> = Promise.resolve();

  /** @param shared  the network of all connections of the proxy */
  constructor(number: number, client: Socket, server: Socket, decisions: Decisions, shared: Wire) {
    this.number = number;
    this.#client = client;
    this.#server = server;
    this.#decisions = decisions;
    this.#shared = shared;
    const [requests, replies] = [createRespSplitter(), createRespSplitter()];
    client.on('data', (bytes: Buffer) => {
      const cameAtMs = performance.now();
      for (const value of requests.push(bytes)) {
        this.#toServer = this.#toServer.then(() => this.#passRequest(value, cameAtMs));
      }
    });
    server.on('data', (bytes: Buffer) => {
      const cameAtMs = performance.now();
      for (const value of replies.push(bytes)) {
        this.#toClient = this.#toClient.then(() => this.#passReply(value, cameAtMs));
      }
    });
    // An error is followed by a close, which is handled below.
    for (const socket of [client, server]) socket.on('error', () => undefined);
    // What a client had sent before it died still arrives. In a black hole neither side learns that the other has left.
    client.once('close', () => void this.#toServer.then(() => this.#isBlackHole || server.destroy()));
    server.once('close', () => this.#isBlackHole || client.destroy());
  }

  /** Whether the client has neither left nor been cut. */
  get isOpen(): boolean {
    return !this.#client.destroyed;
  }

  /** Requests that went to the server. */
  get requestCount(): number {
    return this.#requestCount;
  }

  /** Breaks it on both sides at once (RST). */
  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  /** From now on nothing passes either way, and it stays open: a connection that the network lost silently. */
  blackHole(): void {
    this.#isBlackHole = true;
  }

  /** Only for this connection, on top of the condition of all. */
  setWire(condition: Partial<WireCondition>): void {
    this.#own.set(condition);
  }

  async #passRequest(value: Buffer, cameAtMs: number): Promise<void> {
    if (this.#isBlackHole) return;
    const request = this.#decisions.read(value);
    const fault = await this.#decisions.request(request);
    if (fault === 'lose-request') return this.cut();
    // Subscriptions are answered by push messages only.
    if (!request.name.endsWith('subscribe')) this.#sent.push({ request, fault });
    this.#requestCount += 1;
    await this.#deliver(value, this.#server, cameAtMs);
  }

  async #passReply(value: Buffer, cameAtMs: number): Promise<void> {
    if (this.#isBlackHole) return;
    const sent = isPush(value) ? undefined : this.#sent.shift();
    if (sent?.fault === 'lose-reply') return this.cut();
    if (sent?.fault === 'swallow-reply') this.#isSwallowing = true;
    if (sent !== undefined && (await this.#decisions.reply(sent.request)) === 'cut') return this.cut();
    if (!this.#isSwallowing) await this.#deliver(value, this.#client, cameAtMs);
  }

  async #deliver(value: Buffer, to: Socket, cameAtMs: number): Promise<void> {
    await this.#own.hold(value, cameAtMs);
    await this.#shared.hold(value, cameAtMs);
    await this.#shared.write(value, to);
  }
}
