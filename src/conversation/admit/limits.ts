import { TurnwiseError } from '../../errors.ts';
import type { Input, InputMessage } from '../input.ts';
import type { Part } from '../parts.ts';
import { fitsAlone, isBlank, type PromptLimits } from '../run/prompt.ts';
import { ANSWERS_AFTER, type Role } from '../session.ts';
import type { HistoryUse } from '../turn.ts';

/** Allowed URLs of an image or a file: none that the model server would fetch from its own network. */
const MEDIA_URL = /^(?:https:\/\/|data:)/i;

/** What messages of each role may hold. */
const HOLDS: Readonly<Record<Role, readonly Part['type'][]>> = {
  user: ['text', 'image', 'file'],
  assistant: ['text', 'reasoning', 'function_call'],
  tool: ['function_result'],
};

/** Uses of the history that ask nothing new of the model. */
const WITHOUT_QUESTION: ReadonlySet<HistoryUse['kind']> = new Set([
  'append',
  'regenerate',
  'remove',
  'forget',
]);

/**
 * Refuses input that can never be asked, before anything is written.
 *
 * @param use  what the turn does with the history; undefined: the input is answered
 * @throws invalid_request: blank, with a lone surrogate, which UTF-8 cannot encode, or without a question at its end.
 *         too_large: in bytes, or alone more than the context
 */
export async function checkInput(
  input: Input,
  use: HistoryUse | undefined,
  limits: PromptLimits & { readonly maxMessageBytes: number },
): Promise<void> {
  const isQuestion = use === undefined || !WITHOUT_QUESTION.has(use.kind);
  const last = input.at(-1);
  if (isQuestion && (last === undefined || last.role === 'assistant')) {
    throw invalid('the last message must be one of the user, or the result of a tool');
  }
  if (input.length >= ANSWERS_AFTER) throw new TurnwiseError('too_large', { message: 'too many messages' });
  for (const message of input) checkMessage(message, limits.maxMessageBytes);
  if (!isQuestion) return;
  if (!(await fitsAlone(lastMessages(input), limits))) {
    const message = `message alone needs more than the ${limits.contextTokens} tokens of the context`;
    throw new TurnwiseError('too_large', { message });
  }
}

/** Only these must fit: what comes before them is history, even if it is new to us. */
function lastMessages(input: Input): Input {
  const answered = input.findLastIndex(({ role }) => role === 'assistant');
  return input.slice(answered + 1);
}

function checkMessage({ role, parts }: InputMessage, maxMessageBytes: number): void {
  // Strict models refuse a message of white space alone, and so every later prompt that contains it.
  if (role === 'user' && parts.every((part) => part.type === 'text' && isBlank(part.text))) {
    throw invalid('message must not be blank');
  }
  let bytes = 0;
  for (const part of parts) {
    if (!HOLDS[role].includes(part.type)) {
      throw invalid(`a message of role ${role} may not hold a part of type ${part.type}`);
    }
    if (!textsIn(part).every((text) => text.isWellFormed())) throw invalid('message holds a lone surrogate');
    const url = part.type === 'image' ? part.imageUrl : part.type === 'file' ? fileIn(part) : null;
    if (url !== null && !MEDIA_URL.test(url)) {
      throw invalid('an image or a file must be an https or a data URL');
    }
    if (part.type === 'text') bytes += Buffer.byteLength(part.text);
  }
  if (role === 'user' && bytes > maxMessageBytes) {
    throw new TurnwiseError('too_large', { message: `message is longer than ${maxMessageBytes} bytes` });
  }
}

function fileIn({ fileUrl, fileData }: Extract<Part, { type: 'file' }>): string {
  return fileUrl ?? fileData ?? '';
}

function textsIn(part: Part): readonly string[] {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return [part.text];
    case 'image':
      return [part.imageUrl];
    case 'file':
      return [fileIn(part), part.filename ?? ''];
    case 'function_call':
      return [part.callId, part.name, part.arguments];
    case 'function_result':
      return [part.callId, part.output];
    case 'removed':
      return [];
  }
}

function invalid(message: string): TurnwiseError {
  return new TurnwiseError('invalid_request', { message });
}
