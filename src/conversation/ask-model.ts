import { TurnwiseError } from '../errors.ts';
import { CallDeadline, type CallTimes } from './call-deadline.ts';
import type { Model, ModelPart, PromptMessage } from './ports.ts';
import type { Usage } from './turn.ts';

export interface Answer {
  readonly text: string;
  readonly finishReason: string;
  readonly usage: Usage | null;
}

/** What bounds one call. */
export interface CallLimits extends CallTimes {
  readonly maxOutputBytes: number;
}

/**
 * Asks the model and hands on each piece of text as it comes, within all bounds of time and length.
 *
 * @param onText  called with each piece; what it returns is awaited before the next is read
 * @param signal  ends the call at once; what is thrown then is of no interest
 * @throws ModelRefused. model_error: failed, cut, empty, too long. model_timeout: silent too long, or the turn lasts too
 *         long; attempts_exhausted when all its attempts do
 */
export async function askModel(
  model: Model,
  prompt: readonly PromptMessage[],
  limits: CallLimits,
  signal: AbortSignal,
  onText: (text: string) => void | Promise<void>,
): Promise<Answer> {
  const deadline = new CallDeadline(signal, limits);
  const text: string[] = [];
  let bytes = 0;
  const onPart = (part: ModelPart): void | Promise<void> => {
    if (deadline.signal.aborted) return;
    if (part.type === 'sign') return deadline.heardSign();
    if (part.type !== 'text') return deadline.heardContent();
    deadline.heardText();
    bytes += Buffer.byteLength(part.text);
    if (bytes > limits.maxOutputBytes) throw modelError('the answer is longer than MAX_OUTPUT_BYTES');
    text.push(part.text);
    return onText(part.text);
  };
  try {
    const answer = await model.ask({ messages: prompt }, deadline.signal, onPart);
    signal.throwIfAborted();
    // Nobody can be shown a call yet, and an answer of nothing else is none.
    if (text.length === 0) throw modelError('the answer is empty');
    return { text: text.join(''), ...answer };
  } catch (error) {
    throw deadline.reason ?? (error instanceof TurnwiseError ? error : modelError('the call failed', error));
  } finally {
    deadline.end();
  }
}

function modelError(what: string, cause?: unknown): TurnwiseError {
  return new TurnwiseError('model_error', { cause: new Error(what, { cause }) });
}
