/** What is smaller goes by at once: short turns do not wait for long ones. */
const SMALL_BYTES = 16_384;

/** More than Redis takes in while one round trip lasts; a network of 2 MB/s carries it while a command is waited for. */
const MOST_BYTES = 500_000;

/**
 * Lets large writes out on one connection a few at a time, first come, first served. Hundreds of long answers that end
 * together would lie in front of each other and of everything else until each is given up, and then be sent again. Without
 * it 500 answers of 1 MB were committed after 67 s on a busy machine, sixty of 500 kB over 10 MB/s never.
 */
export class BulkGate {
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  #bytesOnTheWay = 0;

  /** Sends when there is room. */
  async pass<T>(bytes: number, send: () => Promise<T>): Promise<T> {
    const sent = this.passNow(bytes, send);
    if (sent !== null) return sent;
    await new Promise<void>((enter) => this.#waiting.push({ bytes, enter }));
    return this.#count(bytes, send);
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

  /** What is too large by itself goes when nothing else is on the way. */
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
