import { type ItemType, itemId } from './ids.ts';
import { partOf, type SpokenAs } from './spoken-words.ts';

/** Whether an item is still being made, is whole, or was cut off. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** One piece of an answer in the making. Its text comes in pieces, which are joined when it is shown whole. */
export interface OutputItem {
  readonly id: string;
  readonly type: ItemType;
  /** Its place in the stream: items of an attempt that was lost keep theirs. */
  readonly index: number;
  readonly pieces: string[];
  readonly callId: string;
  readonly name: string;
  /** Of a text that comes in pieces. */
  readonly as: SpokenAs | null;
  status: ItemStatus;
}

export function textOfItem({ pieces }: OutputItem): string {
  return pieces.join('');
}

/** An item as clients see it. @param isNew  as it is announced, before it has content */
export function itemToJson(item: OutputItem, isNew = false): Readonly<Record<string, unknown>> {
  const { id, type, callId, name, as } = item;
  const status = isNew ? 'in_progress' : item.status;
  const text = isNew ? '' : textOfItem(item);
  const parts = isNew || as === null ? [] : [partOf(as, text)];
  switch (type) {
    case 'message':
      return { id, type, status, role: 'assistant', content: parts };
    case 'reasoning':
      return { id, type, status, ...reasoningContent(as, parts) };
    case 'function_call':
      return { id, type, status, call_id: callId, name, arguments: text };
    case 'function_call_output':
      return { id, type, status, call_id: callId, output: textOfItem(item) };
  }
}

/** Reasoning is shown as it is, or as a summary where that was asked for. */
export function reasoningContent(as: SpokenAs | null, parts: readonly object[]) {
  return as === 'summary' ? { summary: parts } : { summary: [], content: parts };
}

/**
 * Gives the items of an answer their ids, in the order in which they begin: each that of its message and the number of
 * the part that it will be there. The result of a tool is a message of its own. Reasoning that is shown and not stored
 * is no part; it is counted by itself.
 */
export class ItemNumbers {
  readonly #conversationId: string;
  readonly #messageIdOf: (index: number) => string;
  readonly #storesReasoning: boolean;
  #message = -1;
  #isTool = true;
  #parts = 0;
  #thoughts = 0;

  /** @param messageIdOf  the id of a message of the answer, by its place from 0 */
  constructor(conversationId: string, messageIdOf: (index: number) => string, storesReasoning: boolean) {
    this.#conversationId = conversationId;
    this.#messageIdOf = messageIdOf;
    this.#storesReasoning = storesReasoning;
  }

  next(type: ItemType): string {
    const isTool = type === 'function_call_output';
    if (isTool || this.#isTool) {
      this.#message += 1;
      [this.#parts, this.#thoughts] = [0, 0];
    }
    this.#isTool = isTool;
    const isPart = type !== 'reasoning' || this.#storesReasoning;
    const number = isPart ? this.#parts++ : this.#thoughts++;
    return itemId(type, this.#conversationId, this.#messageIdOf(this.#message), number);
  }
}
