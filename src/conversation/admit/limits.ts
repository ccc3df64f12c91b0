import { TurnwiseError } from '../../errors.ts';
import type { Part } from '../parts.ts';
import type { Input } from '../ports/turns.ts';
import { fitsAlone, isBlank, type PromptLimits } from '../run/prompt.ts';

/** Allowed URLs of an image or a file: none that the model server would fetch from its own network. */
const MEDIA_URL = /^(?:https:\/\/|data:)/i;

/**
 * Refuses input that can never be asked, before anything is written.
 *
 * @throws invalid_request: blank, or with a lone surrogate, which UTF-8 cannot encode. too_large: in bytes, or alone
 *         more than the context
 */
export async function checkInput(
  input: Input,
  limits: PromptLimits & { readonly maxMessageBytes: number },
): Promise<void> {
  // Strict models refuse a message of white space alone, and so every later prompt that contains it.
  if (input.every((part) => part.type === 'text' && isBlank(part.text)))
    throw invalid('message must not be blank');
  let bytes = 0;
  for (const part of input) {
    const text = textIn(part);
    const name = part.type === 'file' ? (part.filename ?? '') : '';
    if (!text.isWellFormed() || !name.isWellFormed()) throw invalid('message holds a lone surrogate');
    if (part.type === 'text') bytes += Buffer.byteLength(text);
    else if (!MEDIA_URL.test(text)) throw invalid('an image or a file must be an https or a data URL');
  }
  if (bytes > limits.maxMessageBytes) {
    throw new TurnwiseError('too_large', {
      message: `message is longer than ${limits.maxMessageBytes} bytes`,
    });
  }
  if (!(await fitsAlone(input, limits))) {
    const message = `message alone needs more than the ${limits.contextTokens} tokens of the context`;
    throw new TurnwiseError('too_large', { message });
  }
}

/** @throws invalid_request for a part that no caller may send */
function textIn(part: Part): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'image':
      return part.imageUrl;
    case 'file':
      return part.fileUrl ?? part.fileData ?? '';
    default:
      throw invalid(`a message may not hold a part of type ${part.type}`);
  }
}

function invalid(message: string): TurnwiseError {
  return new TurnwiseError('invalid_request', { message });
}
