import { TurnwiseError } from '../../errors.ts';
import { type Item, itemsOf } from '../items.ts';
import type { Part } from '../parts.ts';
import type { HistoryEdit } from '../ports/turns.ts';
import type { History, Message } from '../session.ts';

/**
 * The edits that remove items, together with what cannot be without them: the result of a call, and the answer to the
 * last question.
 *
 * @param history  the whole of it
 * @throws invalid_request: there is no such item, or a call would be left without its result, or an answer without its
 *         question, in the middle of the history
 */
export function removalOf(history: History, ids: readonly string[]): readonly HistoryEdit[] {
  const items = history.messages.flatMap(itemsOf);
  const removed = new Set<Item>();
  for (const id of ids) {
    const item = items.find((one) => one.id === id);
    if (item === undefined) throw refused(`there is no item ${id.slice(0, 64)}`);
    removed.add(item);
    for (const dependent of dependentsOf(item, items)) removed.add(dependent);
  }
  const left = items.filter((item) => !removed.has(item));
  for (const item of removed) checkLeft(item, left, items);
  return editsFor(history, removed);
}

/** What is removed along with an item. */
function dependentsOf(item: Item, items: readonly Item[]): readonly Item[] {
  const [part] = item.parts;
  if (part?.type === 'function_call') return items.filter((one) => isResultOf(one, part.callId));
  if (item.message.role !== 'user') return [];
  const own = items.filter(({ message }) => message.turnId === item.message.turnId);
  const isLastTurn = items.at(-1)?.message.turnId === item.message.turnId;
  return isLastTurn && own.filter(({ message }) => message.role === 'user').length === 1 ? own : [];
}

function checkLeft(item: Item, left: readonly Item[], items: readonly Item[]): void {
  const [part] = item.parts;
  const place = items.indexOf(item);
  if (part?.type === 'function_result') {
    const call = left.find(({ parts: [one] }) => one?.type === 'function_call' && one.callId === part.callId);
    const isInTheMiddle = left.some((one) => items.indexOf(one) > place);
    if (call !== undefined && isInTheMiddle) throw refused('its call would be left without a result');
  }
  if (item.message.role === 'user') {
    const own = left.filter(({ message }) => message.turnId === item.message.turnId);
    const hasQuestion = own.some(({ message }) => message.role !== 'assistant');
    if (own.length > 0 && !hasQuestion) throw refused('its answer would be left without a question');
  }
}

function isResultOf({ parts: [part] }: Item, callId: string): boolean {
  return part?.type === 'function_result' && part.callId === callId;
}

/** A message that loses all its parts is removed; of another one the parts keep their numbers. */
function editsFor(history: History, removed: ReadonlySet<Item>): readonly HistoryEdit[] {
  const edits: HistoryEdit[] = [];
  history.messages.forEach((message, index) => {
    const gone = [...removed].filter((item) => item.message === message);
    if (gone.length === 0) return;
    const parts = message.parts.map((part, number): Part => {
      const isGone = gone.some(({ firstPart, parts: own }) => inRange(number, firstPart, own.length));
      return isGone ? { type: 'removed' } : part;
    });
    edits.push({ place: history.from + index, message: withParts(message, parts) });
  });
  return edits;
}

function withParts(message: Message, parts: readonly Part[]): Message | null {
  return parts.every(({ type }) => type === 'removed') ? null : { ...message, parts };
}

function inRange(number: number, from: number, length: number): boolean {
  return number >= from && number < from + length;
}

function refused(why: string): TurnwiseError {
  return new TurnwiseError('invalid_request', { message: `the item cannot be removed: ${why}` });
}
