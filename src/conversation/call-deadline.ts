import { TurnwiseError } from '../errors.ts';

export interface CallTimes {
  /** Longest time of the whole call. */
  readonly totalMs: number;
  /** What `totalMs` means when it runs out. */
  readonly totalCode: 'model_timeout' | 'attempts_exhausted';
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** Heartbeats alone keep a call alive for this many times the silence that it is allowed; docs/models.md names it. */
const HEARTBEAT_FACTOR = 10;

/** Aborts a model call when its caller does, or when one of three times runs out. */
export class CallDeadline {
  readonly #own = new AbortController();
  readonly signal: AbortSignal;
  readonly #times: CallTimes;
  readonly #total: NodeJS.Timeout;
  #silence: NodeJS.Timeout | undefined;
  #heartbeatsUntilMs = 0;
  #silenceMs: number;
  #reason: TurnwiseError | null = null;

  constructor(outer: AbortSignal, times: CallTimes) {
    this.signal = AbortSignal.any([outer, this.#own.signal]);
    this.#times = times;
    this.#total = setTimeout(() => this.#end(times.totalCode, 'the turn took too long'), times.totalMs);
    this.#silenceMs = times.firstTokenTimeoutMs;
    this.heardContent();
  }

  /** The time that ran out; null when none did. */
  get reason(): TurnwiseError | null {
    return this.#reason;
  }

  /** The model says something: from its first text on it may pause only for as long as between two tokens. */
  heardText(): void {
    this.#silenceMs = this.#times.idleTimeoutMs;
    this.heardContent();
  }

  /** The model thinks, or calls a tool. */
  heardContent(): void {
    this.#heartbeatsUntilMs = performance.now() + this.#silenceMs * HEARTBEAT_FACTOR;
    this.#listen(this.#silenceMs);
  }

  /** The server lives, but says nothing: its model may still wait for its turn. */
  heardSign(): void {
    this.#listen(Math.min(this.#silenceMs, this.#heartbeatsUntilMs - performance.now()));
  }

  end(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#silence);
    // Leaving early must end the call: a model that goes on talking costs money.
    this.#own.abort();
  }

  #listen(ms: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#end('model_timeout', 'no further token'), Math.max(0, ms));
  }

  #end(code: CallTimes['totalCode'], what: string): void {
    this.#reason ??= new TurnwiseError(code, { cause: new Error(what) });
    this.#own.abort();
  }
}
