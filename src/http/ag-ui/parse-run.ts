import type { Input, InputMessage } from '../../conversation/input.ts';
import { type Part, pushPart, textOf } from '../../conversation/parts.ts';
import type { TurnOptions } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import {
  type ContentPart,
  type ForwardedProps,
  type RunMessage,
  type RunRequest,
  SHAPING,
  type Source,
  type Tool,
  type ToolMessage,
  type UserMessage,
} from './run-schema.ts';

/** What the body of a run asks for. */
export interface AskedRun {
  /** What is new: the last message, or the outputs of tools. */
  readonly input: Input;
  /** The client's ids of these messages. */
  readonly messageIds: readonly string[];
  readonly model: string | null;
  readonly options: TurnOptions;
}

/** @throws invalid_request */
export function parseRun(body: RunRequest): AskedRun {
  const { messages, tools, context } = body;
  const first = messages.findIndex((message) => !isInstruction(message));
  const leading = messages.slice(0, first === -1 ? messages.length : first).filter(isInstruction);
  const late = messages.findIndex((message, at) => at >= leading.length && isInstruction(message));
  if (late !== -1) {
    throw refused(`messages[${late}].role`, 'a message of role system or developer after other messages');
  }
  const from = startOfNew(messages);
  const fresh = messages.slice(from).filter(isNew);
  const { model = null, ...props } = propsOf(body.forwardedProps);
  const parameters = Object.fromEntries(
    Object.entries(props).filter(([name, value]) => Object.hasOwn(SHAPING, name) && value !== null),
  );
  const instructions = leading.map(({ content }) => content).filter((text) => text !== '');
  return {
    input: fresh.map((message, index) => inputOf(message, `messages[${from + index}]`)),
    messageIds: fresh.map(({ id }) => id),
    model,
    options: {
      ...(leading.length === 0 ? {} : { instructions: instructions.join('\n\n') }),
      ...((context ?? []).length === 0 ? {} : { context: (context ?? []).map(lineOf).join('\n') }),
      ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
      ...((tools ?? []).length === 0 ? {} : { tools: (tools ?? []).map(toolOf) }),
    },
  };
}

/** The first of the messages that are taken. @throws invalid_request when the last one cannot be answered */
function startOfNew(messages: readonly RunMessage[]): number {
  const last = messages.at(-1);
  if (last?.role === 'user') return messages.length - 1;
  if (last?.role === 'tool') return messages.findLastIndex(({ role }) => role !== 'tool') + 1;
  const message =
    'the last message must be one of the user, or the output of a tool: an answer cannot be made anew here';
  throw new TurnwiseError('invalid_request', { message, details: { param: 'messages' } });
}

type InstructionMessage = Extract<RunMessage, { readonly role: 'system' | 'developer' }>;

function isInstruction(message: RunMessage): message is InstructionMessage {
  return message.role === 'system' || message.role === 'developer';
}

function isNew(message: RunMessage): message is UserMessage | ToolMessage {
  return message.role === 'user' || message.role === 'tool';
}

function inputOf(message: UserMessage | ToolMessage, place: string): InputMessage {
  if (message.role === 'user') return { role: 'user', parts: partsOf(message.content, place) };
  const { toolCallId: callId, error = null } = message;
  const parts = partsOf(message.content, place);
  const other = parts.findIndex(({ type }) => type !== 'text');
  if (other !== -1) throw refused(`${place}.content[${other}]`, 'an output of a tool that is not text');
  const output = textOf(parts) || (error ?? '');
  return { role: 'tool', parts: [{ type: 'function_result', callId, output, isError: error !== null }] };
}

function partsOf(content: string | readonly ContentPart[], place: string): readonly Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  const parts: Part[] = [];
  for (const [at, part] of content.entries()) pushPart(parts, partOf(part, `${place}.content[${at}]`));
  return parts;
}

function partOf(part: ContentPart, place: string): Part {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'image':
      return { type: 'image', imageUrl: urlOf(part.source, place) };
    case 'document': {
      const url = urlOf(part.source, place);
      const isData = url.startsWith('data:');
      const { filename } = (part.metadata ?? {}) as { readonly filename?: unknown };
      const name = typeof filename === 'string' && filename.length <= 255 ? filename : null;
      return { type: 'file', filename: name, fileUrl: isData ? null : url, fileData: isData ? url : null };
    }
    default:
      throw refused(place, `a part of type ${part.type}`);
  }
}

function urlOf(source: Source, place: string): string {
  switch (source.type) {
    case 'data':
      return `data:${source.mimeType};base64,${source.value}`;
    case 'url':
      return source.value;
    case 'file':
      throw refused(`${place}.source`, 'a source of type file');
  }
}

function toolOf({ name, description, parameters }: Tool) {
  return { type: 'function', function: { name, description, ...(parameters ? { parameters } : {}) } };
}

function lineOf({ description, value }: { readonly description: string; readonly value: string }): string {
  return `${description}: ${value}`;
}

function propsOf(value: unknown): ForwardedProps {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function refused(param: string, what: string): TurnwiseError {
  return new TurnwiseError('invalid_request', { message: `${what} is not supported`, details: { param } });
}
