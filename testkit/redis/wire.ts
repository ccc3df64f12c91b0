import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** The condition of a network. Delay and jitter in ms, each way. */
export interface WireCondition {
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Bytes per chunk; 0: unchanged. */
  readonly sliceBytes: number;
  readonly bytesPerSecond: number;
  /** Nothing passes and nothing is refused; what was sent arrives afterwards, as TCP retransmits it. */
  readonly isHeld: boolean;
}

export const CLEAN_WIRE: WireCondition = {
  delayMs: 0,
  jitterMs: 0,
  sliceBytes: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  isHeld: false,
};

/** A network between two sockets, whose condition can change during use. */
export class Wire {
  #condition = CLEAN_WIRE;
  #released = Promise.withResolvers<void>();

  set(condition: Partial<WireCondition>): void {
    this.#condition = { ...this.#condition, ...condition };
    if (this.#condition.isHeld) return;
    this.#released.resolve();
    this.#released = Promise.withResolvers();
  }

  /** Waits for as long as bytes are on their way. @param cameAtMs  what comes together is late together, as on a real wire */
  async hold(bytes: Buffer, cameAtMs: number): Promise<void> {
    while (this.#condition.isHeld) await this.#released.promise;
    const { delayMs, jitterMs, bytesPerSecond } = this.#condition;
    const passesMs = (bytes.length / bytesPerSecond) * 1000;
    const lateMs = cameAtMs + delayMs + Math.random() * jitterMs - performance.now();
    const waitMs = Math.max(passesMs, lateMs);
    if (waitMs > 0.5) await sleep(waitMs);
  }

  async write(bytes: Buffer, to: Socket): Promise<void> {
    const { sliceBytes } = this.#condition;
    if (sliceBytes === 0) return void to.write(bytes);
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      to.write(bytes.subarray(at, at + sliceBytes));
      // Each write is a packet; a tick of the loop for each would also slow the wire.
      if (at % (sliceBytes * 64) === 0) await nextTurn();
    }
  }
}
