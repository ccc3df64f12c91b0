import { isPlainText, type Part, textOf } from '../conversation/parts.ts';
import type { PromptMessage } from '../conversation/ports/model.ts';

/** A piece of a message that is more than text. */
type WirePart = Readonly<Record<string, unknown>> & { readonly type: string };

/** A message as `/chat/completions` takes it. */
export interface WireMessage {
  readonly role: PromptMessage['role'];
  readonly content: string | readonly WirePart[] | null;
  readonly [field: string]: unknown;
}

/** Each result of a tool is a message of its own, and comes before what a caller says beside it. */
export function wireMessagesOf({ role, parts }: PromptMessage): readonly WireMessage[] {
  if (role !== 'tool' && isPlainText(parts)) return [{ role, content: textOf(parts) }];
  const results = parts.flatMap((part) => (part.type === 'function_result' ? [resultOf(part)] : []));
  const calls = parts.flatMap((part) => (part.type === 'function_call' ? [callOf(part)] : []));
  const said = parts.flatMap(contentOf);
  if (said.length === 0 && calls.length === 0) return results;
  const isText = said.every(({ type }) => type === 'text');
  const content = isText ? textOf(parts) : said;
  const message = { role: role === 'tool' ? 'user' : role, content: content === '' ? null : content };
  return [...results, calls.length === 0 ? message : { ...message, tool_calls: calls }];
}

function resultOf({ callId, output }: Extract<Part, { type: 'function_result' }>): WireMessage {
  return { role: 'tool', tool_call_id: callId, content: output };
}

function callOf({ callId, name, arguments: given }: Extract<Part, { type: 'function_call' }>) {
  return { id: callId, type: 'function', function: { name, arguments: given } };
}

function contentOf(part: Part): readonly WirePart[] {
  switch (part.type) {
    case 'text':
      return [{ type: 'text', text: part.text }];
    case 'image':
      return [{ type: 'image_url', image_url: { url: part.imageUrl } }];
    case 'file': {
      const data = part.fileData ?? part.fileUrl;
      return [
        {
          type: 'file',
          file: { ...(part.filename === null ? {} : { filename: part.filename }), file_data: data },
        },
      ];
    }
    default:
      return [];
  }
}

/** Two messages with the same role, as one. */
export function joinMessages(first: WireMessage, second: WireMessage): WireMessage {
  const [one, other] = [first.content ?? '', second.content ?? ''];
  if (typeof one === 'string' && typeof other === 'string') {
    return { ...first, ...second, content: [one, other].filter(Boolean).join('\n\n') };
  }
  return { ...first, ...second, content: [...asParts(one), ...asParts(other)] };
}

function asParts(content: string | readonly WirePart[]): readonly WirePart[] {
  if (typeof content !== 'string') return content;
  return content === '' ? [] : [{ type: 'text', text: content }];
}
