import { BEFORE_ALL, type EventId, type TurnEvent } from '../events.ts';
import { type OnDisconnect, STOP_KINDS, type StopKind, type TurnRef } from '../turn.ts';
import { Wakeup } from '../waiting.ts';
import { TurnFeed } from './turn-feed.ts';

/** Why a turn is no longer this replica's: another has it, its session is gone, or this replica shuts down. */
export type Loss = 'fenced' | 'gone' | 'draining';

/**
 * A turn that waits or runs on this replica: what reaches it from outside (a wake-up, a request to stop, a notice that
 * it is lost) and what its readers here see. Its true state is in Redis.
 */
export class LiveTurn {
  readonly ref: TurnRef;
  readonly onDisconnect: OnDisconnect;
  readonly feed = new TurnFeed();
  readonly wakeup = new Wakeup();
  /** It came from a replica that died or left, and so lost its readers there. */
  isTakenOver = false;
  /** When Redis last failed to reply for it, by the monotonic clock. */
  troubleAtMs = Number.NEGATIVE_INFINITY;
  readonly #stopped = new AbortController();
  #stop: StopKind | null = null;
  #loss: Loss | null = null;
  #last: EventId = BEFORE_ALL;
  #beginsAfter: EventId | null = null;

  constructor(ref: TurnRef, onDisconnect: OnDisconnect) {
    this.ref = ref;
    this.onDisconnect = onDisconnect;
  }

  /** Fires when work on it has become pointless: it was stopped or lost. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  get stop(): StopKind | null {
    return this.#stop;
  }

  get loss(): Loss | null {
    return this.#loss;
  }

  /** A weaker request does not replace a stronger one: after a rollback, a cancel cannot bring anything back. */
  askToStop(kind: StopKind): void {
    const strength = (one: StopKind | null) => (one === null ? -1 : STOP_KINDS.indexOf(one));
    if (strength(kind) > strength(this.#stop)) this.#stop = kind;
    this.#stopped.abort();
    this.wakeup.call();
  }

  lose(loss: Loss): void {
    this.#loss ??= loss;
    this.#stopped.abort();
    this.wakeup.call();
  }

  /** The place after which its events are here: what other replicas emitted before is only in the log. */
  get beginsAfter(): EventId {
    return this.#beginsAfter ?? BEFORE_ALL;
  }

  /** Events from here on belong to the attempt with this fence; its first has number 1. */
  beginAttempt(fence: string): void {
    this.continueAfter({ fence: Number(fence), seq: 0 });
  }

  /** Events continue after this one. */
  continueAfter(last: EventId): void {
    if (this.isTakenOver) this.#beginsAfter ??= last;
    this.#last = last;
  }

  /** The log in Redis has all that was emitted so far. */
  markLogged(): void {
    this.feed.markLogged(this.#last);
  }

  /** @returns the place of the event */
  emit(event: TurnEvent): EventId {
    this.#last = this.nextId();
    this.feed.push({ id: this.#last, event });
    return this.#last;
  }

  /** Under the id of the event before it: a reader that resumes there gets the end that Redis may know. */
  emitWithoutPlace(event: TurnEvent): void {
    this.feed.push({ id: this.#last, event });
  }

  nextId(): EventId {
    return { fence: this.#last.fence, seq: this.#last.seq + 1 };
  }
}
