import type { InputMessage } from '../../conversation/input.ts';
import { type Item, itemsOf } from '../../conversation/items.ts';
import type { Part } from '../../conversation/parts.ts';
import type { Message, SessionRef } from '../../conversation/session.ts';
import { type ItemType, itemId, parseItemId } from './ids.ts';
import { reasoningContent } from './items.ts';
import { partOf, type SpokenAs } from './spoken-words.ts';

/** Items of the history, as clients see them. */
export function storedItems(
  { conversationId }: SessionRef,
  messages: readonly Message[],
  reasoningAs: SpokenAs = 'reasoning',
): readonly StoredItem[] {
  return messages.flatMap(itemsOf).map((item) => storedItem(conversationId, item, reasoningAs));
}

export interface StoredItem {
  readonly id: string;
  readonly json: object;
  /** Whose it is, and what it holds. */
  readonly said: InputMessage;
}

/** The id by which the core knows an item; null when it is none of ours. */
export function coreItemId(id: string): string | null {
  const place = parseItemId(id);
  return place === null ? null : `${place.messageId}/${place.firstPart}`;
}

function storedItem(
  conversationId: string,
  { message, firstPart, parts }: Item,
  reasoningAs: SpokenAs,
): StoredItem {
  const [part] = parts;
  const type = typeOf(part);
  const id = itemId(type, conversationId, message.id, firstPart);
  const status = message.truncated ? 'incomplete' : 'completed';
  return {
    id,
    json: { id, type, status, ...contentOf(message, parts, reasoningAs) },
    said: { role: message.role, parts },
  };
}

function typeOf(part: Part | undefined): ItemType {
  switch (part?.type) {
    case 'function_call':
    case 'reasoning':
      return part.type;
    case 'function_result':
      return 'function_call_output';
    default:
      return 'message';
  }
}

function contentOf({ role }: Message, parts: readonly Part[], reasoningAs: SpokenAs): object {
  const [part] = parts;
  switch (part?.type) {
    case 'function_call':
      return { call_id: part.callId, name: part.name, arguments: part.arguments };
    case 'function_result':
      return { call_id: part.callId, output: part.output };
    case 'reasoning':
      return reasoningContent(reasoningAs, [partOf(reasoningAs, part.text)]);
    default: {
      const isAnswer = role === 'assistant';
      return { role, content: parts.map((one) => (isAnswer ? answerPart(one) : inputPart(one))) };
    }
  }
}

function answerPart(part: Part): object {
  return partOf('message', part.type === 'text' ? part.text : '');
}

function inputPart(part: Part): object {
  switch (part.type) {
    case 'image':
      return { type: 'input_image', image_url: part.imageUrl, detail: 'auto' };
    case 'file':
      return {
        type: 'input_file',
        ...(part.filename === null ? {} : { filename: part.filename }),
        ...(part.fileUrl === null ? {} : { file_url: part.fileUrl }),
        ...(part.fileData === null ? {} : { file_data: part.fileData }),
      };
    default:
      return { type: 'input_text', text: part.type === 'text' ? part.text : '' };
  }
}
