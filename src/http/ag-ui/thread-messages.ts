import type { InputMessage } from '../../conversation/input.ts';
import { isPlainText, type Part, textOf } from '../../conversation/parts.ts';
import { isAnswer, type Message } from '../../conversation/session.ts';
import { decodeEcho } from './run-echo.ts';

/** Messages in the words of this protocol: what a snapshot restates. */
export type ThreadMessage = { readonly id: string; readonly role: string } & Readonly<
  Record<string, unknown>
>;

/** @returns the id of a thought: the same in every attempt of its turn, and in the history */
export function thoughtId(turnId: string, number: number): string {
  return `${turnId}-reasoning-${number}`;
}

/**
 * A stored history, under the ids that the client knows: it keeps the order of those, and puts others at the end. Reasoning,
 * where it is stored, is a message of its own before the answer that it led to.
 */
export function messagesOfHistory(history: readonly Message[]): readonly ThreadMessage[] {
  const turns = Map.groupBy(history, ({ turnId }) => turnId);
  return [...turns].flatMap(([turnId, messages]) => {
    const ids = decodeEcho(messages.at(-1)?.receipt?.echo ?? '')?.messageIds ?? [];
    const asked = messages.filter((message) => !isAnswer(message));
    let thoughts = 0;
    return messages.flatMap((message) => {
      const own = messagesFrom(ids[asked.indexOf(message)] ?? message.id, message);
      const reasoning = message.parts.flatMap((part): ThreadMessage[] => {
        if (part.type !== 'reasoning') return [];
        thoughts += 1;
        return [{ id: thoughtId(turnId, thoughts), role: 'reasoning', content: part.text }];
      });
      return [...reasoning, ...own];
    });
  });
}

/** What a turn answers, which has no ids yet but those of the client. */
export function messagesOfInput(
  input: readonly InputMessage[],
  ids: readonly string[],
  turnId: string,
): readonly ThreadMessage[] {
  return input.flatMap((message, index) => messagesFrom(ids[index] ?? `${turnId}-${index + 1}`, message));
}

function messagesFrom(id: string, { role, parts }: InputMessage): readonly ThreadMessage[] {
  switch (role) {
    case 'user':
      return [{ id, role, content: isPlainText(parts) ? textOf(parts) : parts.flatMap(contentOf) }];
    case 'tool':
      return parts.flatMap((part) => {
        if (part.type !== 'function_result') return [];
        const { callId: toolCallId, output: content, isError } = part;
        return [{ id, role, toolCallId, content, ...(isError ? { error: content } : {}) }];
      });
    case 'assistant': {
      const content = textOf(parts);
      const toolCalls = parts.flatMap(callOf);
      if (toolCalls.length === 0) return [{ id, role, content }];
      return [{ id, role, ...(content === '' ? {} : { content }), toolCalls }];
    }
  }
}

function callOf(part: Part): readonly object[] {
  if (part.type !== 'function_call') return [];
  const { callId: id, name, arguments: given } = part;
  return [{ id, type: 'function', function: { name, arguments: given } }];
}

function contentOf(part: Part): readonly object[] {
  switch (part.type) {
    case 'text':
      return [{ type: 'text', text: part.text }];
    case 'image':
      return [{ type: 'image', source: sourceOf(part.imageUrl) }];
    case 'file': {
      const metadata = part.filename === null ? {} : { metadata: { filename: part.filename } };
      return [{ type: 'document', source: sourceOf(part.fileUrl ?? part.fileData ?? ''), ...metadata }];
    }
    default:
      return [];
  }
}

function sourceOf(url: string) {
  const [, mimeType = '', value = ''] = /^data:([^,]+);base64,(.*)$/s.exec(url) ?? [];
  return mimeType === '' ? { type: 'url', value: url } : { type: 'data', value, mimeType };
}
