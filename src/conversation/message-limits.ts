import { TurnwiseError } from '../errors.ts';
import type { TokenCounter } from './ports.ts';
import { fitsAlone, isBlank, type PromptLimits } from './prompt.ts';

/**
 * What can be asked at all; checked before anything is written.
 *
 * @throws invalid_request: empty, or a lone surrogate, which UTF-8 cannot hold. too_large: in bytes, or alone
 *         more than the context
 */
export async function checkMessage(
  message: string,
  limits: PromptLimits & { readonly maxMessageBytes: number },
  counter: TokenCounter,
): Promise<void> {
  // Strict models refuse a message of nothing but white space, and with it every turn that shows it.
  if (isBlank(message)) throw new TurnwiseError('invalid_request', { message: 'message must not be blank' });
  if (!message.isWellFormed()) {
    throw new TurnwiseError('invalid_request', { message: 'message holds a lone surrogate' });
  }
  if (Buffer.byteLength(message) > limits.maxMessageBytes) {
    throw new TurnwiseError('too_large', {
      message: `message is longer than ${limits.maxMessageBytes} bytes`,
    });
  }
  if (!(await fitsAlone(message, limits, counter))) {
    throw new TurnwiseError('too_large', {
      message: `message alone needs more than the ${limits.contextTokens} tokens of the context`,
    });
  }
}
