import { assertNever, isBeyondRetry } from '../../errors.ts';
import type { EventId, TurnEvent } from '../events.ts';
import { failureOfCode } from '../failures.ts';
import type { Input } from '../input.ts';
import type { Uses } from '../ports/core.ts';
import type { ModelAnswer } from '../ports/model.ts';
import type { Ended, Ending, HistoryChange, NewMessage, StepUsage } from '../ports/turns.ts';
import { ANSWERS_AFTER, type Receipt } from '../session.ts';
import type { Transcript } from '../transcript.ts';
import type { StopKind, TurnFailure, TurnRef } from '../turn.ts';
import type { Usage } from '../usage.ts';
import { jittered } from '../waiting.ts';

/** How the work on a turn went, before Redis has decided. Times in ms since 1970. */
export type Outcome = { readonly startedAtMs: number; readonly endedAtMs: number } & (
  | { readonly kind: 'completed'; readonly answer: ModelAnswer }
  | { readonly kind: 'stopped'; readonly stop: StopKind }
  | { readonly kind: 'failed'; readonly failure: TurnFailure }
);

/** What a turn has produced when it ends. */
export interface Work {
  readonly input: Input;
  /** Whether input and answer become history. */
  readonly isStored: boolean;
  readonly change: HistoryChange | null;
  /** What the door wants back; empty for nothing. */
  readonly echo: string;
  /** Everything that readers were shown. */
  readonly transcript: Transcript;
  readonly keepsReasoning: boolean;
  readonly attempt: number;
  readonly messageCountBefore: number;
  /** Place of the terminal event. */
  readonly lastId: EventId;
  /** Events that the log may not have. */
  readonly unlogged: readonly TurnEvent[];
}

/** Everything that the script needs to end the turn; the last event of its tail ends the stream of every reader. */
function endingFor(work: Work, outcome: Outcome): Ending & { readonly event: TurnEvent } {
  const messages = messagesOf(work, outcome);
  const change = outcome.kind === 'completed' || messages.length > 0 ? work.change : null;
  const added = messages.length + addedBy(change);
  const event = terminalEvent(outcome, messages.length, work.messageCountBefore + added);
  return {
    outcome: outcome.kind === 'stopped' ? 'cancelled' : outcome.kind,
    heeds: outcome.kind === 'stopped' ? outcome.stop : outcome.kind === 'failed' ? 'any' : null,
    messages,
    change,
    messageCountBefore: work.messageCountBefore,
    finishReason: finishReasonOf(outcome),
    usage: outcome.kind === 'completed' ? usageOf(work.attempt, outcome.answer.usage) : [],
    failure: outcome.kind === 'failed' ? outcome.failure : null,
    tail: [...work.unlogged, event],
    lastId: work.lastId,
    event,
  };
}

/** How many messages the history has more, or fewer, by a change. */
function addedBy(change: HistoryChange | null): number {
  if (change === null) return 0;
  return change.begin.length - change.edits.filter(({ message }) => message === null).length;
}

function terminalEvent(outcome: Outcome, kept: number, messageCount: number): TurnEvent {
  switch (outcome.kind) {
    case 'completed': {
      const { finishReason, usage } = outcome.answer;
      return { type: 'done', finishReason, usage, messageCount };
    }
    case 'stopped':
      return { type: 'cancelled', kept: kept > 0, messageCount };
    case 'failed':
      return { type: 'error', ...outcome.failure };
    default:
      return assertNever(outcome);
  }
}

function finishReasonOf(outcome: Outcome): string | null {
  if (outcome.kind === 'completed') return outcome.answer.finishReason;
  return outcome.kind === 'stopped' ? 'cancelled' : null;
}

function usageOf(attempt: number, usage: Usage | null): readonly StepUsage[] {
  return usage === null ? [] : [{ attempt, step: 1, ...usage }];
}

function messagesOf(work: Work, outcome: Outcome): readonly NewMessage[] {
  if (outcome.kind === 'failed' || !work.isStored) return [];
  const isStopped = outcome.kind === 'stopped';
  const keeps = isStopped ? keptOf(outcome.stop, work.transcript.isEmpty) : { input: true, answer: true };
  const input = work.input.map((message, index): NewMessage => {
    return { ...message, number: index + 1, createdAtMs: outcome.startedAtMs, truncated: false };
  });
  const answer = work.transcript
    .messages({ keepsReasoning: work.keepsReasoning })
    .map((message, index): NewMessage => {
      const number = ANSWERS_AFTER + index + 1;
      return { ...message, number, createdAtMs: outcome.endedAtMs, truncated: isStopped };
    });
  const kept = [...(keeps.input ? input : []), ...(keeps.answer ? answer : [])];
  const last = kept.pop();
  if (last === undefined || work.echo === '') return last === undefined ? [] : [...kept, last];
  return [...kept, { ...last, receipt: receiptOf(work, outcome) }];
}

function receiptOf({ echo }: Work, outcome: Outcome): Receipt {
  const { startedAtMs, endedAtMs } = outcome;
  const usage = outcome.kind === 'completed' ? outcome.answer.usage : null;
  return { echo, finishReason: finishReasonOf(outcome), usage, startedAtMs, endedAtMs };
}

/** What is kept of a turn that was stopped. */
function keptOf(stop: StopKind, isEmpty: boolean): { input: boolean; answer: boolean } {
  switch (stop) {
    case 'cancel':
      return { input: !isEmpty, answer: !isEmpty };
    case 'interrupt':
      return { input: true, answer: !isEmpty };
    case 'rollback':
      return { input: false, answer: false };
    default:
      return assertNever(stop);
  }
}

/** What entitles this replica to end a turn. */
export interface Hold {
  readonly turn: TurnRef;
  readonly fence: string;
  /** The value with which this replica holds the lock; null when it does not. */
  readonly lockValue: () => string | null;
}

/** `outcome`: the one that was finally written. */
export type Written =
  | { readonly kind: 'ended'; readonly event: TurnEvent; readonly outcome: Ending['outcome'] }
  | { readonly kind: 'gone' | 'fenced' };

const LOCKED_PAUSE_MS = 50;

/**
 * Ends a turn in Redis, with all of its messages or none. Redis may know better: that the turn was asked to stop, or
 * that its history cannot be written. The outcome is then changed accordingly, and sent again.
 *
 * @param changed  called with each such outcome: a caller that retries continues with it
 * @throws redis_unavailable, storage_full: whether it was written is not known
 */
export async function writeEnding(
  { store }: Uses<'store'>,
  hold: Hold,
  work: Work,
  first: Outcome,
  changed: (outcome: Outcome) => void = () => {},
): Promise<Written> {
  const { startedAtMs, endedAtMs } = first;
  let outcome = first;
  const change = (other: Outcome) => {
    outcome = other;
    changed(other);
  };
  for (;;) {
    const ending = endingFor(work, outcome);
    const ended = await store
      .end(hold.turn, hold.fence, hold.lockValue, ending)
      .catch((error: unknown): Ended | { readonly kind: 'broken' } => {
        // A turn that keeps nothing can still end.
        if (outcome.kind === 'failed' || !isBeyondRetry(error)) throw error;
        return { kind: error.code === 'internal' ? 'broken' : 'corrupt' };
      });
    switch (ended.kind) {
      case 'ok':
        return { kind: 'ended', event: ending.event, outcome: ending.outcome };
      case 'stopped':
        change({ kind: 'stopped', stop: ended.stop, startedAtMs, endedAtMs });
        continue;
      case 'corrupt':
      case 'broken': {
        const failure = failureOfCode(ended.kind === 'corrupt' ? 'corrupt_session' : 'internal');
        change({ kind: 'failed', failure, startedAtMs, endedAtMs });
        continue;
      }
      case 'locked':
        // By a request of our own whose reply is pending or lost, or by an earlier holder: the fence is ours.
        if ((await store.freeLock(hold.turn, hold.fence)) === 'fenced') return { kind: 'fenced' };
        await new Promise((resolve) => setTimeout(resolve, jittered(LOCKED_PAUSE_MS)));
        continue;
      case 'gone':
      case 'fenced':
        return { kind: ended.kind };
      default:
        assertNever(ended);
    }
  }
}
