import type { ErrorCode } from '../errors.ts';
import type { Input } from './input.ts';
import type { Part } from './parts.ts';
import type { SessionRef } from './session.ts';
import type { Usage } from './usage.ts';

/** Identifies a turn. */
export interface TurnRef {
  readonly session: SessionRef;
  readonly turnId: string;
}

export const TURN_STATUSES = ['queued', 'running', 'parked', 'completed', 'cancelled', 'failed'] as const;
export type TurnStatus = (typeof TURN_STATUSES)[number];

/**
 * What can happen to a turn. `grant`: it may run now. `step`: one of its steps finished (model, tools, model, …).
 * `park`: it waits for an approval, with no lease; `resume`: the approval was decided. `commit`: the answer is history.
 * `stop`: cancelled, interrupted or rolled back. `fail`: an error ends it. `adopt`: the replica that kept it waiting
 * died. `restart`: the replica that ran it died or left. `forget`: its session was deleted or has expired.
 */
export const TURN_STEPS = [
  'grant',
  'step',
  'park',
  'resume',
  'commit',
  'stop',
  'fail',
  'adopt',
  'restart',
  'forget',
] as const;
export type TurnStep = (typeof TURN_STEPS)[number];

/** `gone`: no record is left. `refused`: the script replies without changing anything. */
export type TurnOutcome = TurnStatus | 'gone' | 'refused';

const REFUSED = {
  grant: 'refused',
  step: 'refused',
  park: 'refused',
  resume: 'refused',
  commit: 'refused',
  stop: 'refused',
  fail: 'refused',
  adopt: 'refused',
  restart: 'refused',
  forget: 'gone',
} as const satisfies Record<TurnStep, TurnOutcome>;

/**
 * The whole life of a turn. One test plays each cell that a script can be asked for against Redis, another compares
 * `docs/turn-lifecycle.md`.
 */
export const TRANSITIONS: Readonly<Record<TurnStatus, Readonly<Record<TurnStep, TurnOutcome>>>> = {
  queued: { ...REFUSED, grant: 'running', stop: 'cancelled', fail: 'failed', adopt: 'queued' },
  running: {
    ...REFUSED,
    step: 'running',
    park: 'parked',
    commit: 'completed',
    stop: 'cancelled',
    fail: 'failed',
    restart: 'running',
  },
  parked: { ...REFUSED, resume: 'running', stop: 'cancelled', fail: 'failed' },
  completed: REFUSED,
  cancelled: REFUSED,
  failed: REFUSED,
};

/** @returns whether such a turn can only be forgotten */
export function hasEnded(status: TurnStatus): boolean {
  return status === 'completed' || status === 'cancelled' || status === 'failed';
}

/** What a new message does while a turn of its session runs. */
export const ON_BUSY = ['enqueue', 'reject', 'interrupt', 'rollback', 'coalesce'] as const;
export type OnBusy = (typeof ON_BUSY)[number];

export const ON_DISCONNECT = ['continue', 'cancel'] as const;
export type OnDisconnect = (typeof ON_DISCONNECT)[number];

/** Why a turn is asked to stop, the weakest first; `rollback` leaves nothing of it in the history. */
export const STOP_KINDS = ['cancel', 'interrupt', 'rollback'] as const;
export type StopKind = (typeof STOP_KINDS)[number];

export function isStopKind(text: string): text is StopKind {
  return STOP_KINDS.some((kind) => kind === text);
}

/** The public part of an error that ended a turn. */
export interface TurnFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  /** With model_refused: the status that the model server refused with. */
  readonly modelStatus?: number;
}

/**
 * What a turn does with the history, when it does not simply add an answered message to it. Each kind ends in one
 * commit behind the fence, and keeps its place in the queue.
 */
export type HistoryUse =
  /** The caller sends the whole history each time: the input follows this message (empty: the first of all). */
  | { readonly kind: 'resent'; readonly after: string }
  /** The last turn is asked again, and replaced. */
  | { readonly kind: 'regenerate' }
  /** The input becomes history as it is; no model is asked. */
  | { readonly kind: 'append' }
  /** Items are removed, `MESSAGE-ID/PART`, with what cannot be without them; no model is asked. */
  | { readonly kind: 'remove'; readonly items: readonly string[] }
  /** What is kept of a turn beside its messages is deleted, but not these; no model is asked. */
  | { readonly kind: 'forget'; readonly turn_id: string }
  /** The session is new, and begins with the history of another one up to and including a message. */
  | { readonly kind: 'fork'; readonly of: string; readonly until: string };

/** How a turn is to be run, whichever replica runs it. */
export interface TurnProfile {
  /** The name of the agent, and the model that it asks. */
  readonly agent: string;
  readonly model: string;
  /** The door through which the turn came. */
  readonly door: string;
  /** What becomes of the turn when its last reader disconnects. */
  readonly onDisconnect: OnDisconnect;
  /** What the request set for this turn alone. */
  readonly options: TurnOptions;
  /** What the door wants back with the turn, as long as its messages are stored; opaque to the core, empty for nothing. */
  readonly echo: string;
}

export interface TurnOptions {
  /** In place of the agent's system prompt. */
  readonly instructions?: string;
  /** Added to the system prompt, whichever it is. */
  readonly context?: string;
  /** Fields of the model request, over the agent's. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** Function tools of the caller, as the model protocol has them. */
  readonly tools?: readonly unknown[];
  readonly history?: HistoryUse;
}

/** A turn as its owner may look it up. Times in ms since 1970, null until then. */
export interface TurnRecord {
  readonly turnId: string;
  readonly conversationId: string;
  readonly status: TurnStatus;
  readonly attempt: number;
  /** Turns ahead, the running one included; null unless queued. */
  readonly position: number | null;
  /** Whether the history has its messages; null until the turn ended. */
  readonly kept: boolean | null;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  readonly failure: TurnFailure | null;
  readonly messageCount: number | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
}

/** `reply` is what history holds of the answer; null when it holds nothing. `echo` is what its door gave with it. */
export interface AnsweredTurn extends TurnRecord {
  readonly input: Input;
  readonly reply: readonly Part[] | null;
  readonly echo: string;
}
