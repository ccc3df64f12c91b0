import type { Input, InputMessage } from '../../conversation/input.ts';
import { type Part, pushPart, textOf } from '../../conversation/parts.ts';
import type { TurnOptions } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import {
  type AnswerPart,
  type AssistantMessage,
  type ChatMessage,
  type ChatRequest,
  SHAPING,
  type UserPart,
} from './request-schema.ts';

/** What the body of a request asks for. */
export interface AskedChat {
  /** All messages that the client sent, but not those that only instruct. */
  readonly messages: Input;
  readonly options: TurnOptions;
}

/** @throws invalid_request */
export function parseChat(body: ChatRequest): AskedChat {
  const first = body.messages.findIndex((message) => !isInstruction(message));
  const leading = first === -1 ? body.messages : body.messages.slice(0, first);
  const said = body.messages.slice(leading.length);
  const late = said.findIndex(isInstruction);
  if (late !== -1) {
    const param = `messages[${leading.length + late}].role`;
    const message = 'a message of role system or developer is only possible before all others';
    throw new TurnwiseError('invalid_request', { message, details: { param } });
  }
  const instructions = leading
    .map(({ content }) => textIn(content ?? ''))
    .filter((text) => text !== '')
    .join('\n\n');
  const parameters = Object.fromEntries(
    Object.entries(body).filter(([name, value]) => Object.hasOwn(SHAPING, name) && value !== null),
  );
  return {
    messages: said.flatMap(messagesOf),
    options: {
      ...(leading.length === 0 ? {} : { instructions }),
      ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
      ...((body.tools ?? []).length === 0 ? {} : { tools: body.tools ?? [] }),
    },
  };
}

function isInstruction({ role }: ChatMessage): boolean {
  return role === 'system' || role === 'developer';
}

function messagesOf(message: ChatMessage): readonly InputMessage[] {
  switch (message.role) {
    case 'user':
      return [{ role: 'user', parts: partsOf(message.content) }];
    case 'assistant': {
      const parts = answerOf(message);
      // Front ends keep a message that never got an answer, and send it along for ever.
      return parts.length === 0 ? [] : [{ role: 'assistant', parts }];
    }
    case 'tool': {
      const output = textIn(message.content);
      const result: Part = { type: 'function_result', callId: message.tool_call_id, output, isError: false };
      return [{ role: 'tool', parts: [result] }];
    }
    default:
      return [];
  }
}

/** Whatever else a server said beside it, such as its reasoning, is not sent to a model again. */
function answerOf({ content, refusal, tool_calls }: AssistantMessage): readonly Part[] {
  const text = textIn(content ?? '') || (refusal ?? '');
  const calls = (tool_calls ?? []).map(
    ({ id, function: { name, arguments: given } }): Part => ({
      type: 'function_call',
      callId: id,
      name,
      arguments: given,
    }),
  );
  return text.trim() === '' ? calls : [{ type: 'text', text }, ...calls];
}

function partsOf(content: string | readonly (UserPart | AnswerPart)[]): readonly Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  const parts: Part[] = [];
  for (const part of content) pushPart(parts, partOf(part));
  return parts;
}

function textIn(content: string | readonly (UserPart | AnswerPart)[]): string {
  return textOf(partsOf(content));
}

function partOf(part: UserPart | AnswerPart): Part {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'refusal':
      return { type: 'text', text: part.refusal };
    case 'image_url':
      return { type: 'image', imageUrl: part.image_url.url };
    case 'file': {
      const { file_data: data, filename = null } = part.file;
      const isUrl = /^https:/i.test(data);
      return { type: 'file', filename, fileUrl: isUrl ? data : null, fileData: isUrl ? null : data };
    }
  }
}
