import type { InputMessage } from '../../conversation/input.ts';
import { isPlainText, type Part, textOf } from '../../conversation/parts.ts';
import type { Message } from '../../conversation/session.ts';

/** Messages in the words of this protocol: what a snapshot restates. */
export type ThreadMessage = { readonly id: string; readonly role: string } & Readonly<
  Record<string, unknown>
>;

/** A stored history. Reasoning, where it is stored, is a message of its own before the answer that it led to. */
export function messagesOfHistory(history: readonly Message[]): readonly ThreadMessage[] {
  return history.flatMap((message) => messagesFrom(message.id, message));
}

/** What a turn answers; its messages have no ids yet but those of the client. */
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
      const reasoning = parts.map((part) => (part.type === 'reasoning' ? part.text : '')).join('');
      const toolCalls = parts.flatMap((part) =>
        part.type === 'function_call'
          ? [
              {
                id: part.callId,
                type: 'function',
                function: { name: part.name, arguments: part.arguments },
              },
            ]
          : [],
      );
      return [
        ...(reasoning === '' ? [] : [{ id: `${id}-reasoning`, role: 'reasoning', content: reasoning }]),
        { id, role, content: textOf(parts), ...(toolCalls.length === 0 ? {} : { toolCalls }) },
      ];
    }
  }
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
