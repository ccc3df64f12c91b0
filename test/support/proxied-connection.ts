import type { Socket } from 'node:net';
import { commandWords, createRespSplitter, isPush } from './resp.ts';

/**
 * What becomes of one command. `lose-command`: it never arrives, and the connection breaks. `lose-reply`: it is
 * carried out, and the connection breaks in place of its reply. `swallow-reply`: it is carried out, but from its
 * reply on nothing comes back, on a connection that stays open.
 */
export type CommandFault = 'lose-command' | 'lose-reply' | 'swallow-reply';

/** One client's connection through the proxy. */
export interface ProxiedConnection {
  /** Counts from 0 in the order in which they were opened. */
  readonly number: number;
  /** The client has not left, and was not cut. */
  readonly isOpen: boolean;
  /** Commands that went to the server. */
  readonly commandCount: number;
  /** Breaks it on both sides at once (RST). */
  cut(): void;
  /** From now on nothing passes either way, and it stays open: a network that lost it without a word. */
  blackHole(): void;
  /** From now on each piece of either way takes so long, in order; a function is asked for each piece. */
  delay(ms: number | (() => number)): void;
}

/** A reply that is still to come, and what is to become of it. */
type Expected = 'pass' | Exclude<CommandFault, 'lose-command'>;

/** Passes commands one way and replies the other, as whole values, so that a fault can meet any of them. */
export class Connection implements ProxiedConnection {
  readonly number: number;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #faultOf: (words: readonly string[]) => CommandFault | undefined;
  readonly #commands = createRespSplitter();
  readonly #replies = createRespSplitter();
  /** One for each command that the server has and has not answered, oldest first. */
  readonly #expected: Expected[] = [];
  #commandCount = 0;
  #isBlackHole = false;
  #isSwallowing = false;
  #delayMs: () => number = () => 0;

  constructor(
    number: number,
    client: Socket,
    server: Socket,
    faultOf: (words: readonly string[]) => CommandFault | undefined,
    closed: () => void,
  ) {
    this.number = number;
    this.#client = client;
    this.#server = server;
    this.#faultOf = faultOf;
    const [up, down] = [new DelayLine(), new DelayLine()];
    client.on('data', (bytes: Buffer) => up.push(this.#delayMs(), () => this.#fromClient(bytes)));
    server.on('data', (bytes: Buffer) => down.push(this.#delayMs(), () => this.#fromServer(bytes)));
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.setNoDelay(true);
      // The close that follows tells all there is to know.
      one.on('error', () => undefined);
      one.once('close', () => {
        // A black hole tells neither side that the other one has left.
        if (!this.#isBlackHole) other.destroy();
        if (other.closed) closed();
      });
    }
  }

  get isOpen(): boolean {
    return !this.#client.destroyed;
  }

  get commandCount(): number {
    return this.#commandCount;
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  blackHole(): void {
    this.#isBlackHole = true;
  }

  delay(ms: number | (() => number)): void {
    this.#delayMs = typeof ms === 'number' ? () => ms : ms;
  }

  #fromClient(bytes: Buffer): void {
    for (const value of this.#commands.push(bytes)) {
      if (this.#isBlackHole || !this.isOpen) return;
      const words = commandWords(value);
      const fault = this.#faultOf(words);
      if (fault === 'lose-command') {
        this.cut();
        return;
      }
      // Subscriptions are answered by announcements alone.
      if (!/subscribe$/i.test(words[0] ?? '')) this.#expected.push(fault ?? 'pass');
      this.#commandCount += 1;
      this.#server.write(value);
    }
  }

  #fromServer(bytes: Buffer): void {
    for (const value of this.#replies.push(bytes)) {
      if (this.#isBlackHole || !this.isOpen) return;
      const expected = isPush(value) ? 'pass' : this.#expected.shift();
      if (expected === 'lose-reply') {
        this.cut();
        return;
      }
      if (expected === 'swallow-reply') this.#isSwallowing = true;
      if (!this.#isSwallowing) this.#client.write(value);
    }
  }
}

/** Does things later, in the order in which they came, also when a later one has less to wait. */
class DelayLine {
  readonly #waiting: { readonly dueMs: number; readonly work: () => void }[] = [];

  push(delayMs: number, work: () => void): void {
    if (delayMs <= 0 && this.#waiting.length === 0) {
      work();
      return;
    }
    this.#waiting.push({ dueMs: performance.now() + delayMs, work });
    if (this.#waiting.length === 1) this.#plan();
  }

  #plan(): void {
    const next = this.#waiting[0];
    if (next === undefined) return;
    setTimeout(
      () => {
        this.#waiting.shift();
        next.work();
        this.#plan();
      },
      Math.max(0, next.dueMs - performance.now()),
    );
  }
}
