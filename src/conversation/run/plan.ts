import { TurnwiseError } from '../../errors.ts';
import type { Input } from '../input.ts';
import type { Part } from '../parts.ts';
import type { Uses } from '../ports/core.ts';
import type { GrantedTurn, HistoryChange, HistoryEdit } from '../ports/turns.ts';
import { wholeHistory } from '../read/whole-history.ts';
import { newIn } from '../resent.ts';
import { type History, isAnswer, type Message } from '../session.ts';
import type { HistoryUse, TurnRef } from '../turn.ts';
import { removalOf } from './removal.ts';

/** What a granted turn will do, decided from the history that it found. */
export interface Plan {
  /** What the model is shown before the input. */
  readonly history: History;
  readonly input: Input;
  readonly asksModel: boolean;
  /** Whether input and answer become history. */
  readonly isStored: boolean;
  /** How the history changes before they are added to it; null: not at all. */
  readonly change: HistoryChange | null;
}

/** @throws invalid_request: the input does not fit the history. session_not_found: the history to fork is gone */
export async function planFor(
  { sessions }: Uses<'sessions'>,
  turn: TurnRef,
  { history, input, profile }: Pick<GrantedTurn, 'history' | 'input' | 'profile'>,
): Promise<Plan> {
  const plan = { history, input, asksModel: true, isStored: true, change: null };
  const use = profile.options.history;
  switch (use?.kind) {
    case undefined:
      checkResults(history.messages, input);
      return plan;
    case 'append':
      checkResults(history.messages, input);
      return { ...plan, asksModel: false };
    case 'resent':
      return { ...plan, ...sinceThen(history, input, use) };
    case 'regenerate':
      return { ...plan, ...withoutLastTurn(history) };
    case 'remove': {
      const whole = await wholeHistory({ sessions }, turn.session, history);
      return { ...plan, asksModel: false, change: edited(whole, removalOf(whole, use.items)) };
    }
    case 'forget': {
      const whole = await wholeHistory({ sessions }, turn.session, history);
      return { ...plan, asksModel: false, change: edited(whole, forgetting(whole, use.turn_id)) };
    }
    case 'fork': {
      if (history.messageCount > 0) return plan;
      const begin = await beginning({ sessions }, turn, use);
      checkResults(begin, input);
      const shown = { ...history, messages: begin, messageCount: begin.length };
      return { ...plan, history: shown, change: { edits: [], begin, lastId: begin.at(-1)?.id ?? '' } };
    }
  }
}

/** Other turns may have been committed since the caller's messages were compared with the history. */
function sinceThen(
  history: History,
  input: Input,
  { after }: Extract<HistoryUse, { kind: 'resent' }>,
): Partial<Plan> {
  const place = history.messages.findLastIndex(({ id }) => id === after);
  const isKnown = place >= 0 || (after === '' && history.dropped === 0 && history.from === 0);
  const since = history.messages.slice(place + 1);
  const rest = isKnown ? newIn(since, input) : null;
  if (rest !== null) {
    checkResults(history.messages, rest);
    return { input: rest };
  }
  return { isStored: false, history: { ...history, messages: history.messages.slice(0, place + 1) } };
}

function withoutLastTurn(history: History): Partial<Plan> {
  const { messages, from } = history;
  const turnId = messages.at(-1)?.turnId;
  const first = messages.findIndex((message) => message.turnId === turnId);
  const last = first < 0 ? [] : messages.slice(first);
  const input = last.filter((message) => !isAnswer(message)).map(({ role, parts }) => ({ role, parts }));
  if (input.length === 0 || input.at(-1)?.role === 'assistant') {
    throw new TurnwiseError('invalid_request', { message: 'there is no answer to be made anew' });
  }
  const edits = last.map((_, index) => ({ place: from + first + index, message: null }));
  return {
    history: { ...history, messages: messages.slice(0, first) },
    input,
    change: edited(history, edits),
  };
}

/** The message that holds the receipt of a turn, without it. */
function forgetting(history: History, turnId: string): readonly HistoryEdit[] {
  return history.messages.flatMap(({ receipt, ...message }, index) =>
    message.turnId === turnId && receipt !== undefined ? [{ place: history.from + index, message }] : [],
  );
}

function edited({ messages, from }: History, edits: readonly HistoryEdit[]): HistoryChange {
  const removed = new Set(edits.flatMap(({ place, message }) => (message === null ? [place - from] : [])));
  const last = messages.findLast((_, index) => !removed.has(index));
  return { edits, begin: [], lastId: last?.id ?? '' };
}

async function beginning(
  ports: Uses<'sessions'>,
  { session }: TurnRef,
  { of, until }: Extract<HistoryUse, { kind: 'fork' }>,
): Promise<readonly Message[]> {
  const parent = { ...session, conversationId: of };
  const history = await ports.sessions.history(parent);
  const messages = history === null ? [] : (await wholeHistory(ports, parent, history)).messages;
  const end = messages.findLastIndex(({ id }) => id === until);
  if (end < 0) throw new TurnwiseError('session_not_found');
  return messages.slice(0, end + 1);
}

/** Each result belongs to a call that is still open. @throws invalid_request */
export function checkResults(messages: readonly { readonly parts: readonly Part[] }[], input: Input): void {
  if (!input.some(({ role }) => role === 'tool')) return;
  const open = new Set<string>();
  for (const { parts } of [...messages, ...input]) {
    for (const part of parts) {
      if (part.type === 'function_call') open.add(part.callId);
      if (part.type === 'function_result' && !open.delete(part.callId) && isNew(part, input)) {
        throw new TurnwiseError('invalid_request', {
          message: `there is no open call with the id ${part.callId.slice(0, 64)}`,
        });
      }
    }
  }
}

function isNew(part: Part, input: Input): boolean {
  return input.some(({ parts }) => parts.includes(part));
}
