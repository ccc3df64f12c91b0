/**
 * The story of one trial as seen from outside: what clients sent and received, what the model was
 * shown, what the sessions contained at the end. The checker knows nothing else. Times in ms of one clock.
 */
export interface Story {
  readonly sends: readonly Send[];
  readonly deletions: readonly Deletion[];
  /** In order of arrival at the model; `index` counts over the whole run, not this list. */
  readonly calls: readonly Call[];
  readonly sessions: readonly SessionEnd[];
  readonly replicas: readonly ReplicaEnd[];
  readonly rules: Rules;
}

export type OnBusy = 'enqueue' | 'reject' | 'interrupt' | 'rollback' | 'coalesce';

/** One request of a client for a turn, with everything that it received, resumed streams included. */
export interface Send {
  readonly session: string;
  /** Unique in the message; a repeat under the same key has the same one. */
  readonly token: string;
  readonly message: string;
  readonly onBusy: OnBusy;
  readonly key: string | null;
  readonly route: 'json' | 'stream';
  readonly replica: string;
  readonly sentAt: number;
  /** When the head of a stream arrived: from then on the turn is certainly accepted. */
  readonly admittedAt: number | null;
  readonly endedAt: number | null;
  readonly turnId: string | null;
  readonly events: readonly SeenEvent[];
  readonly end: End;
}

export interface SeenEvent {
  readonly id: string;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * How a request ended. `cut`: the connection broke or the body ended without a terminal event, and the client
 * did not or could not resume. `left`: the client disconnected. `hung`: nothing arrived in time.
 */
export type End =
  | { readonly kind: 'done'; readonly reply: string; readonly messageCount: number }
  | {
      readonly kind: 'cancelled';
      readonly reply: string;
      readonly kept: boolean | null;
      readonly messageCount: number;
    }
  | ({ readonly kind: 'error' } & Refusal)
  | { readonly kind: 'cut' | 'left' | 'hung' };

export interface Refusal {
  /** null: reported by an event of an open stream. */
  readonly status: number | null;
  readonly code: string;
  /** What is missing or wrong in the format of the reply. */
  readonly flaws: readonly string[];
  /** The error named its turn, so the turn was accepted. */
  readonly namesTurn: boolean;
}

export interface Deletion {
  readonly session: string;
  readonly sentAt: number;
  readonly endedAt: number;
  /** 200, 404 or another status; 0: no answer. */
  readonly status: number;
}

/** One model call, and its complete answer. */
export interface Call {
  readonly index: number;
  readonly at: number;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly answer: string;
}

export interface StoredMessage {
  readonly turnId: string;
  readonly role: string;
  readonly content: string;
  readonly isTruncated: boolean;
}

export interface SessionEnd {
  readonly session: string;
  /** null: 404. */
  readonly meta: { readonly messageCount: number; readonly expiresInMs: number } | null;
  readonly messages: readonly StoredMessage[];
  /** Every turn that a client knows of. */
  readonly turns: readonly TurnEnd[];
  /** What was left after it expired; null when the trial did not wait for that. */
  readonly afterExpiry: readonly string[] | null;
}

export interface TurnEnd {
  readonly turnId: string;
  /** `gone`: 404. */
  readonly status: 'queued' | 'running' | 'completed' | 'cancelled' | 'failed' | 'gone';
  readonly reply: string | null;
  /** All events from the first on, as a late reader gets them; null when there was nothing to read. */
  readonly log: readonly SeenEvent[] | null;
}

/** What a replica still holds when everything is idle, from its metrics; null where it does not answer. */
export interface ReplicaEnd {
  readonly name: string;
  readonly liveTurns: number | null;
  readonly openStreams: number | null;
}

/** What the fault of this trial excuses; everything else is a violation. */
export interface Rules {
  readonly systemPrompt: string;
  readonly sessionTtlMs: number;
  readonly maxMessages: number;
  /** Codes that clients may get besides those that they cause themselves. */
  readonly codes: readonly string[];
  /** Connections of clients may break: a replica was killed, or is shutting down. */
  readonly mayCut: boolean;
  /** `suffix`: the newest commits before `lossAt` may be gone. `all`: sessions may be gone whole. */
  readonly mayLose: 'nothing' | 'suffix' | 'all';
  /** When the loss began and ended; everything after it is held to all rules. */
  readonly lossFrom: number;
  readonly lossUntil: number;
  /** Oldest whole turns may be left out of a prompt. */
  readonly hasWindow: boolean;
}

export type InvariantId = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10';

export interface Violation {
  /** `figure`: a row exceeded its own bound, for example a time. */
  readonly invariant: InvariantId | 'figure';
  readonly session: string;
  readonly what: string;
}
