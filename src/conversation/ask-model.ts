import { TurnwiseError } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import type { PromptMessage } from './ports.ts';
import type { Usage } from './turn.ts';

export interface Answer {
  readonly text: string;
  readonly finishReason: string;
  readonly usage: Usage | null;
}

/** After its last token a model may still say what the answer cost. */
const USAGE_PATIENCE_MS = 2000;

/**
 * Asks the model and hands on each piece of text as it comes, within all bounds of time and length.
 *
 * @param heard   called with each piece, awaited before the next is read
 * @param signal  ends the call at once; what is thrown then is of no interest
 * @throws model_error: failed, cut, empty, too long. model_timeout: silent too long, or the turn lasts too long
 */
export async function askModel(
  deps: TurnDeps,
  prompt: readonly PromptMessage[],
  signal: AbortSignal,
  heard: (text: string) => Promise<void>,
): Promise<Answer> {
  const { limits } = deps;
  const patience = new Patience(signal, limits.turnMaxMs, limits.firstTokenTimeoutMs);
  const text: string[] = [];
  let [bytes, finishReason, usage]: [number, string | null, Usage | null] = [0, null, null];
  try {
    for await (const part of deps.model.ask(prompt, patience.signal)) {
      patience.signal.throwIfAborted();
      if (part.type === 'finish') finishReason = part.reason;
      if (part.type === 'usage') usage = part.usage;
      if (part.type === 'text') {
        bytes += Buffer.byteLength(part.text);
        if (bytes > limits.maxOutputBytes) throw modelError('the answer is longer than MAX_OUTPUT_BYTES');
        text.push(part.text);
        await heard(part.text);
      }
      const silenceMs = bytes === 0 ? limits.firstTokenTimeoutMs : limits.idleTimeoutMs;
      patience.listen(finishReason === null ? silenceMs : USAGE_PATIENCE_MS);
    }
  } catch (error) {
    // Some servers never close what they have finished; only the usage is missed then.
    const isWhole = finishReason !== null && patience.reason !== null;
    if (!isWhole) throw patience.reason ?? asModelError(error);
  } finally {
    patience.end();
  }
  if (finishReason === null) throw patience.reason ?? modelError('the stream was cut');
  if (bytes === 0) throw modelError('the answer is empty');
  return { text: text.join(''), finishReason, usage };
}

function asModelError(error: unknown): TurnwiseError {
  return error instanceof TurnwiseError ? error : new TurnwiseError('model_error', { cause: error });
}

function modelError(what: string): TurnwiseError {
  return new TurnwiseError('model_error', { cause: new Error(what) });
}

/** Aborts a call when the caller does, or when one of two times is over. */
class Patience {
  readonly #own = new AbortController();
  readonly signal: AbortSignal;
  readonly #total: NodeJS.Timeout;
  #silence: NodeJS.Timeout;
  #reason: TurnwiseError | null = null;

  constructor(outer: AbortSignal, totalMs: number, firstSilenceMs: number) {
    this.signal = AbortSignal.any([outer, this.#own.signal]);
    this.#total = this.#within(totalMs, 'the turn took too long');
    this.#silence = this.#within(firstSilenceMs, 'no first token');
  }

  /** The time that ran out; null when none did. */
  get reason(): TurnwiseError | null {
    return this.#reason;
  }

  /** The model said something: from now on it may be silent for so long. */
  listen(silenceMs: number): void {
    clearTimeout(this.#silence);
    this.#silence = this.#within(silenceMs, 'no further token');
  }

  end(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#silence);
    // Leaving early must end the call: a model that goes on talking costs money.
    this.#own.abort();
  }

  #within(ms: number, otherwise: string): NodeJS.Timeout {
    return setTimeout(() => {
      this.#reason ??= new TurnwiseError('model_timeout', { cause: new Error(otherwise) });
      this.#own.abort();
    }, ms);
  }
}
