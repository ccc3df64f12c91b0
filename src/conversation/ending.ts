import { assertNever } from '../errors.ts';
import type { Answer } from './ask-model.ts';
import type { EventId, TurnEvent } from './events.ts';
import type { Ending, NewMessage } from './ports.ts';
import type { StopKind, TurnFailure } from './turn.ts';

/** What became of the work on a turn, before Redis had its say. Times in ms since 1970. */
export type Conclusion = { readonly startedAtMs: number; readonly endedAtMs: number } & (
  | { readonly kind: 'completed'; readonly answer: Answer }
  | { readonly kind: 'stopped'; readonly stop: StopKind }
  | { readonly kind: 'failed'; readonly failure: TurnFailure }
);

/** What a turn has brought forth when it ends. */
export interface Outcome {
  readonly userMessages: readonly string[];
  readonly messageCountBefore: number;
  /** Place of the terminal event. */
  readonly lastId: EventId;
  /** All text that readers were given. */
  readonly said: readonly string[];
  /** Events that the log does not have for sure. */
  readonly unlogged: readonly TurnEvent[];
}

/** The event that ends the stream of every reader. */
export function terminalEvent(outcome: Outcome, conclusion: Conclusion): TurnEvent {
  const before = outcome.messageCountBefore;
  const messages = messagesOf(outcome, conclusion);
  switch (conclusion.kind) {
    case 'completed':
      return {
        type: 'done',
        finishReason: conclusion.answer.finishReason,
        usage: conclusion.answer.usage,
        messageCount: before + messages.length,
      };
    case 'stopped':
      return { type: 'cancelled', kept: messages.length > 0, messageCount: before + messages.length };
    case 'failed':
      return { type: 'error', ...conclusion.failure };
    default:
      return assertNever(conclusion);
  }
}

/** All that the script needs which ends the turn. */
export function endingFor(outcome: Outcome, conclusion: Conclusion, event: TurnEvent): Ending {
  const messages = messagesOf(outcome, conclusion);
  return {
    outcome: outcomeOf(conclusion),
    heeds: heededBy(conclusion),
    messages,
    messageCountBefore: outcome.messageCountBefore,
    kept: messages.length > 0,
    finishReason: finishReasonOf(conclusion),
    usage: conclusion.kind === 'completed' ? conclusion.answer.usage : null,
    failure: conclusion.kind === 'failed' ? conclusion.failure : null,
    tail: [...outcome.unlogged, event],
    lastId: outcome.lastId,
  };
}

function heededBy(conclusion: Conclusion): Ending['heeds'] {
  if (conclusion.kind === 'stopped') return conclusion.stop;
  return conclusion.kind === 'failed' ? 'any' : null;
}

function outcomeOf(conclusion: Conclusion): Ending['outcome'] {
  return conclusion.kind === 'stopped' ? 'cancelled' : conclusion.kind;
}

function finishReasonOf(conclusion: Conclusion): string | null {
  if (conclusion.kind === 'completed') return conclusion.answer.finishReason;
  return conclusion.kind === 'stopped' ? 'cancelled' : null;
}

function messagesOf(outcome: Outcome, conclusion: Conclusion): readonly NewMessage[] {
  if (conclusion.kind === 'failed') return [];
  const createdAtMs = conclusion.startedAtMs;
  const stopped = conclusion.kind === 'stopped';
  const keep = stopped ? keptOf(conclusion.stop, outcome.said) : { user: true, reply: true };
  const user = outcome.userMessages.map(
    (content): NewMessage => ({ role: 'user', content, createdAtMs, truncated: false }),
  );
  const reply: NewMessage = {
    role: 'assistant',
    content: outcome.said.join(''),
    createdAtMs: conclusion.endedAtMs,
    truncated: stopped,
  };
  return [...(keep.user ? user : []), ...(keep.reply ? [reply] : [])];
}

/** What is kept of a turn that was stopped. */
function keptOf(stop: StopKind, said: readonly string[]): { user: boolean; reply: boolean } {
  switch (stop) {
    case 'cancel':
      return { user: said.length > 0, reply: said.length > 0 };
    case 'interrupt':
      return { user: true, reply: said.length > 0 };
    case 'rollback':
      return { user: false, reply: false };
    default:
      return assertNever(stop);
  }
}
