import { Bell } from './bell.ts';
import type { EventId, TurnEvent } from './events.ts';
import type { TurnRef } from './ports.ts';
import type { StopKind } from './turn.ts';
import { TurnFeed } from './turn-feed.ts';

/** Why a turn is no longer this replica's: another has it, or its session is no more, or this replica leaves. */
export type Loss = 'fenced' | 'gone' | 'draining';

const STRENGTH: Readonly<Record<StopKind, number>> = { cancel: 1, interrupt: 2, rollback: 3 };

/**
 * A turn that waits or runs on this replica: what reaches it from outside (a wake-up, a wish to stop, the
 * news that it is lost) and what its readers here see. The truth about it stands in Redis.
 */
export class LiveTurn {
  readonly feed = new TurnFeed();
  readonly bell = new Bell();
  /** Its first replica died, and its readers there with it. */
  isTakenOver = false;
  /** When Redis last failed to answer for it, by the monotonic clock. */
  troubleAtMs = Number.NEGATIVE_INFINITY;
  readonly #stopped = new AbortController();
  #stop: StopKind | null = null;
  #loss: Loss | null = null;
  #last: EventId = { attempt: 0, seq: 0 };
  #ref: TurnRef;

  constructor(ref: TurnRef) {
    this.#ref = ref;
  }

  get ref(): TurnRef {
    return this.#ref;
  }

  /** Fires when the work on it makes no sense any more: stopped or lost. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  get stop(): StopKind | null {
    return this.#stop;
  }

  get loss(): Loss | null {
    return this.#loss;
  }

  get lastId(): EventId {
    return this.#last;
  }

  /** Others joined it, whose Idempotency-Keys live as long as it does. */
  learnHashes(idempotencyHashes: readonly string[]): void {
    this.#ref = { ...this.#ref, idempotencyHashes };
  }

  /** A weaker wish does not replace a stronger one: who rolls back wants nothing left, whoever cancels after. */
  askToStop(kind: StopKind): void {
    if (this.#stop === null || STRENGTH[kind] > STRENGTH[this.#stop]) this.#stop = kind;
    this.#stopped.abort();
    this.bell.ring();
  }

  lose(loss: Loss): void {
    this.#loss ??= loss;
    this.#stopped.abort();
    this.bell.ring();
  }

  /** Events from here on belong to this attempt; its first has number 1. */
  beginAttempt(attempt: number): void {
    this.#last = { attempt, seq: 0 };
  }

  /** Events go on behind this one, which another replica told. */
  goOnAfter(last: EventId): void {
    this.#last = last;
  }

  /** @returns the place that the event got */
  emit(event: TurnEvent): EventId {
    this.#last = this.nextId();
    this.feed.push({ id: this.#last, event });
    return this.#last;
  }

  nextId(): EventId {
    return { attempt: this.#last.attempt, seq: this.#last.seq + 1 };
  }
}
