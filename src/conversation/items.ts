import type { Part } from './parts.ts';
import type { Message } from './session.ts';

/** What other protocols call an item: the content of a message, a call, a result, or reasoning. */
export interface Item {
  /** `MESSAGE-ID/PART`, with the number of its first part. */
  readonly id: string;
  readonly message: Message;
  readonly firstPart: number;
  readonly parts: readonly Part[];
}

export function itemId(messageId: string, firstPart: number): string {
  return `${messageId}/${firstPart}`;
}

/** The items of a message, in order: what is content stays together, anything else is one for each part. */
export function itemsOf(message: Message): readonly Item[] {
  const items: { -readonly [K in keyof Item]: Item[K] }[] = [];
  message.parts.forEach((part, index) => {
    const last = items.at(-1);
    const isMore = isContent(part) && last?.parts.every(isContent) === true;
    if (isMore && last.firstPart + last.parts.length === index) last.parts = [...last.parts, part];
    else if (part.type !== 'removed') {
      items.push({ id: itemId(message.id, index), message, firstPart: index, parts: [part] });
    }
  });
  return items;
}

function isContent(part: Part): boolean {
  return part.type === 'text' || part.type === 'image' || part.type === 'file';
}
