import type { ErrorCode } from '../errors.ts';

export const TURN_STATUSES = ['queued', 'running', 'completed', 'cancelled', 'failed'] as const;
export type TurnStatus = (typeof TURN_STATUSES)[number];

/**
 * What can happen to a turn. `grant`: it is its turn. `commit`: the answer is history. `stop`: cancelled,
 * interrupted or rolled back. `fail`: an error ends it. `adopt`: the replica that kept it waiting died.
 * `restart`: the replica that ran it died and attempts are left. `forget`: its session was deleted or expired.
 */
export const TURN_STEPS = ['grant', 'commit', 'stop', 'fail', 'adopt', 'restart', 'forget'] as const;
export type TurnStep = (typeof TURN_STEPS)[number];

/** `gone`: no record is left. `refused`: the script answers without changing anything. */
export type TurnOutcome = TurnStatus | 'gone' | 'refused';

/** The whole life of a turn, every cell; `docs/turn-lifecycle.md` shows the same table, held to it by a test. */
export const TRANSITIONS: Readonly<Record<TurnStatus, Readonly<Record<TurnStep, TurnOutcome>>>> = {
  queued: {
    grant: 'running',
    commit: 'refused',
    stop: 'cancelled',
    fail: 'failed',
    adopt: 'queued',
    restart: 'refused',
    forget: 'gone',
  },
  running: {
    grant: 'refused',
    commit: 'completed',
    stop: 'cancelled',
    fail: 'failed',
    adopt: 'refused',
    restart: 'running',
    forget: 'gone',
  },
  completed: ended(),
  cancelled: ended(),
  failed: ended(),
};

function ended(): Readonly<Record<TurnStep, TurnOutcome>> {
  return {
    grant: 'refused',
    commit: 'refused',
    stop: 'refused',
    fail: 'refused',
    adopt: 'refused',
    restart: 'refused',
    forget: 'gone',
  };
}

export function isEnded(status: TurnStatus): boolean {
  return status !== 'queued' && status !== 'running';
}

/** What a new message does while a turn of its session runs. */
export type OnBusy = 'enqueue' | 'reject' | 'interrupt' | 'rollback' | 'coalesce';

/** Why a turn is asked to stop; `rollback` leaves nothing of it in the history. */
export type StopKind = 'cancel' | 'interrupt' | 'rollback';

export function isStopKind(text: string): text is StopKind {
  return text === 'cancel' || text === 'interrupt' || text === 'rollback';
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
}

/** What is public of an error that ended a turn. */
export interface TurnFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  /** With model_refused: the status that the model server refused with. */
  readonly modelStatus?: number;
}

/** A turn as anybody may look it up. Times in ms since 1970; null where not yet. */
export interface TurnRecord {
  readonly turnId: string;
  readonly conversationId: string;
  readonly status: TurnStatus;
  readonly attempt: number;
  /** Turns ahead, the running one included; null unless queued. */
  readonly position: number | null;
  readonly reply: string | null;
  /** Whether history has what was said; null until the turn ended. */
  readonly kept: boolean | null;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  readonly failure: TurnFailure | null;
  readonly messageCount: number | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
}
