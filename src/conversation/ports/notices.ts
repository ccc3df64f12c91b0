import type { StopKind, TurnRef } from '../turn.ts';
import type { Ending } from './turns.ts';

/** What other replicas and scripts announce to this one. */
export type Notice =
  | ({ readonly kind: 'wake' | 'fenced' } & TurnRef)
  | ({ readonly kind: 'stop'; readonly stop: StopKind } & TurnRef)
  | ({ readonly kind: 'ended'; readonly code: string } & TurnRef)
  | { readonly kind: 'orphans' };

/** What was being done when something failed: a closed set, because its names label metrics; the log uses its words. */
export const ACTIVITIES = {
  redis_command: 'talk to Redis',
  redis_listen: 'listen to Redis',
  index_write: 'write the index',
  running_write: 'write the list of live turns',
  rate_count: 'count turns a minute',
  lock_take: 'take the lock',
  lock_extend: 'extend the lock',
  lease_renew: 'renew the lease',
  log_write: 'write the turn log',
  turn_end: 'end a turn',
  turn_run: 'run a turn',
  turn_answer: 'answer a turn',
  whole_history: 'ask with the whole history',
  turn_wait: 'wait for a turn',
  turn_release: 'hand a turn over',
  unread_stop: 'stop an unread turn',
  recovery_look: 'look for turns of dead replicas',
  turn_takeover: 'take a turn over',
  turn_stream: 'stream a turn',
  job_work: 'work on jobs',
  job_run: 'run a job',
  job_schedule: 'schedule jobs',
} as const;
export type Activity = keyof typeof ACTIVITIES;

/** What the core reports, to be counted and logged. */
export interface Observer {
  /** @param durationMs  null: it never ran */
  turnEnded(turn: TurnRef, outcome: Ending['outcome'], durationMs: number | null): void;
  /** From the start of an attempt, with the lock asked for, to its first text. */
  firstToken(turn: TurnRef, afterMs: number): void;
  /** How long a turn waited for those ahead of it. */
  waited(turn: TurnRef, ms: number): void;
  /** A turn of a replica that died or left continues here, this long after its lease ended. */
  tookOver(turn: TurnRef, afterMs: number): void;
  failed(activity: Activity, error: unknown, turn?: TurnRef): void;
}
