import { performance } from 'node:perf_hooks';
import { TurnwiseError } from '../../errors.ts';
import type { TurnEvent } from '../events.ts';
import type { Model, ModelAnswer, ModelPart, ModelRequest } from '../ports/model.ts';

/** Limits of one call. */
export interface CallLimits extends CallTimes {
  readonly maxOutputBytes: number;
}

/** A piece of an answer that has content. */
export type SpokenPart = Exclude<ModelPart, { type: 'sign' }>;

/**
 * Asks the model and passes on each piece as it comes, within all limits of time and length.
 *
 * @param onPart  called with each piece; what it returns is awaited before the next is read
 * @param signal  ends the call at once; what is thrown then does not matter
 * @throws ModelRefused. model_error: failed, cut off, too long. model_timeout: silent for too long, or the attempt
 *         takes too long; attempts_exhausted when all attempts together do
 */
export async function askModel(
  model: Model,
  request: ModelRequest,
  limits: CallLimits,
  signal: AbortSignal,
  onPart: (part: SpokenPart) => void | Promise<void>,
): Promise<ModelAnswer> {
  const deadline = new CallDeadline(signal, limits);
  let bytes = 0;
  const take = (part: ModelPart): void | Promise<void> => {
    if (deadline.signal.aborted) return;
    if (part.type === 'sign') return deadline.heardSign();
    if (part.type === 'text') deadline.heardText();
    else deadline.heardContent();
    bytes += Buffer.byteLength(part.type === 'tool_call' ? part.arguments : part.text);
    if (bytes > limits.maxOutputBytes) throw modelError('the answer is longer than MAX_OUTPUT_BYTES');
    return onPart(part);
  };
  try {
    const answer = await model.ask(request, deadline.signal, take);
    signal.throwIfAborted();
    return answer;
  } catch (error) {
    throw deadline.reason ?? (error instanceof TurnwiseError ? error : modelError('the call failed', error));
  } finally {
    deadline.end();
  }
}

export function modelError(what: string, cause?: unknown): TurnwiseError {
  return new TurnwiseError('model_error', { cause: new Error(what, { cause }) });
}

/** Longest times of one call. */
interface CallTimes {
  readonly totalMs: number;
  /** The error when `totalMs` runs out. */
  readonly totalCode: 'model_timeout' | 'attempts_exhausted';
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** Heartbeats alone keep a call alive for this many times the silence allowed; docs/models.md names it. */
const HEARTBEAT_FACTOR = 10;

/** Why a call is aborted is in the error that ends it; without a reason each abort would record a stack. */
const ENDED = new Error('the call has ended');

/** Aborts a model call when its caller does, or when one of three times runs out. */
class CallDeadline {
  readonly #own = new AbortController();
  readonly #abort = () => this.#own.abort(ENDED);
  readonly #outer: AbortSignal;
  readonly #times: CallTimes;
  readonly #total: NodeJS.Timeout;
  /** One timer for all pauses: it is set anew when it fires too early, not for each token. */
  #silence: NodeJS.Timeout | undefined;
  #silenceFiresAtMs = Number.POSITIVE_INFINITY;
  #silentAtMs = 0;
  #heartbeatsUntilMs = 0;
  #silenceMs: number;
  #reason: TurnwiseError | null = null;

  constructor(outer: AbortSignal, times: CallTimes) {
    this.#outer = outer;
    if (outer.aborted) this.#abort();
    else outer.addEventListener('abort', this.#abort);
    this.#times = times;
    this.#total = setTimeout(() => this.#end(times.totalCode, 'the turn took too long'), times.totalMs);
    this.#silenceMs = times.firstTokenTimeoutMs;
    this.heardContent();
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  /** The error of the time that ran out; null when none did. */
  get reason(): TurnwiseError | null {
    return this.#reason;
  }

  /** Text came: from the first on, the model may pause only for as long as between two tokens. */
  heardText(): void {
    this.#silenceMs = this.#times.idleTimeoutMs;
    this.heardContent();
  }

  /** Reasoning or a tool call came. */
  heardContent(): void {
    this.#heartbeatsUntilMs = performance.now() + this.#silenceMs * HEARTBEAT_FACTOR;
    this.#listen(this.#silenceMs);
  }

  /** The server is alive, but sends no content: its model may still be busy with others. */
  heardSign(): void {
    this.#listen(Math.min(this.#silenceMs, this.#heartbeatsUntilMs - performance.now()));
  }

  end(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#silence);
    this.#outer.removeEventListener('abort', this.#abort);
    // Leaving early must end the call: a model that goes on talking costs money.
    this.#abort();
  }

  #listen(ms: number): void {
    this.#silentAtMs = performance.now() + ms;
    if (this.#silentAtMs < this.#silenceFiresAtMs) this.#watch(ms);
  }

  #watch(ms: number): void {
    clearTimeout(this.#silence);
    this.#silenceFiresAtMs = performance.now() + ms;
    this.#silence = setTimeout(
      () => {
        const leftMs = this.#silentAtMs - performance.now();
        if (leftMs > 0) this.#watch(leftMs);
        else this.#end('model_timeout', 'no further token');
      },
      Math.max(0, ms),
    );
  }

  #end(code: CallTimes['totalCode'], what: string): void {
    this.#reason ??= new TurnwiseError(code, { cause: new Error(what) });
    this.#abort();
  }
}

type CallPiece = Extract<ModelPart, { type: 'tool_call' }>;

interface Call {
  callId: string;
  name: string;
  readonly pieces: string[];
}

/** Assembles the calls of an answer from their pieces, in the order in which they began. */
export class ToolCalls {
  readonly #calls = new Map<number, Call>();

  add(piece: CallPiece): void {
    const call = this.#calls.get(piece.index) ?? { callId: '', name: '', pieces: [] };
    this.#calls.set(piece.index, call);
    if (piece.callId !== null) call.callId = piece.callId;
    if (piece.name !== null) call.name = piece.name;
    call.pieces.push(piece.arguments);
  }

  /** @param turnId  names calls to which the model gave no id */
  events(turnId: string): readonly TurnEvent[] {
    return [...this.#calls].map(([index, { callId, name, pieces }]) => ({
      type: 'tool_call',
      callId: callId === '' ? `${turnId}-${index}` : callId,
      name,
      arguments: pieces.join(''),
    }));
  }
}
