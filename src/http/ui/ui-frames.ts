import { BEFORE_ALL, type PlacedEvent, type TurnEvent, usageToJson } from '../../conversation/events.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import type { TurnwiseError } from '../../errors.ts';
import { errorOf } from '../door/collect-turn.ts';
import type { TurnFrames } from '../door/dialect.ts';
import { sseFrame } from '../door/sse-sink.ts';

type Chunk = Readonly<Record<string, unknown>> & { readonly type: string };

const DONE = sseFrame({ data: '[DONE]' });

/** In the words of the AI SDK. */
const FINISH_REASONS: Readonly<Record<string, string>> = {
  stop: 'stop',
  length: 'length',
  content_filter: 'content-filter',
  tool_calls: 'tool-calls',
};

/**
 * A turn as chunks of a UI message, always from the first one: the protocol has no place to resume from. Text and
 * reasoning are opened and closed by ids that a step forgets, so each step numbers its own.
 */
export class UiFrames implements TurnFrames {
  readonly after = BEFORE_ALL;
  readonly #ids: Readonly<Record<string, string>>;
  readonly #messageId: string;
  readonly #showsQueue: boolean;
  readonly #earlier: readonly TurnEvent[];
  #hasBegun = false;
  #isInStep = false;
  /** What is being said, and under which id. */
  #open: { readonly type: 'text' | 'reasoning'; readonly id: string } | null = null;
  #opened = 0;
  /** Calls without a result: while there are any, the next results belong to the same step. */
  readonly #waiting = new Set<string>();

  /**
   * @param showsQueue  whether the client asked for its place in the queue, which is no chunk of the protocol
   * @param earlier     what the message says before this turn, for a client that begins it anew
   */
  constructor(
    { session, turnId }: TurnRef,
    messageId: string,
    showsQueue: boolean,
    earlier: readonly TurnEvent[] = [],
  ) {
    this.#ids = { turn_id: turnId, session_id: session.conversationId };
    this.#messageId = messageId;
    this.#showsQueue = showsQueue;
    this.#earlier = earlier;
  }

  /** @throws the error that ended the turn, as long as nothing was shown */
  of({ event }: PlacedEvent): readonly string[] {
    return this.#chunksOf(event)
      .map((chunk) => sseFrame({ data: JSON.stringify(chunk) }))
      .concat(endOf(event));
  }

  /** The client shows it; its app may resume. */
  cut({ message }: TurnwiseError): readonly string[] {
    return [sseFrame({ data: JSON.stringify({ type: 'error', errorText: message }) }), DONE];
  }

  #chunksOf(event: TurnEvent): readonly Chunk[] {
    switch (event.type) {
      case 'queued':
        return this.#showsQueue
          ? [{ type: 'data-queued', id: 'queued', data: { position: event.position }, transient: true }]
          : [];
      case 'started':
        return this.#begin();
      case 'restarted':
        return this.#restart();
      case 'delta':
        return this.#say('text', event.content);
      case 'reasoning':
        return this.#say('reasoning', event.content);
      case 'tool_call':
        return this.#call(event);
      case 'tool_result':
        return this.#result(event);
      case 'done': {
        const { finishReason, usage } = event;
        const messageMetadata = { ...this.#ids, usage: usageToJson(usage) };
        const reason = FINISH_REASONS[finishReason] ?? 'other';
        return [...this.#endStep(), { type: 'finish', finishReason: reason, messageMetadata }];
      }
      case 'cancelled':
        return [...this.#begin(), ...this.#endStep(), { type: 'abort', reason: 'cancelled' }];
      case 'error':
        if (!this.#hasBegun) throw errorOf(event, this.#ids);
        return [...this.#close(), { type: 'error', errorText: event.message }];
    }
  }

  #begin(): readonly Chunk[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    const start = { type: 'start', messageId: this.#messageId, messageMetadata: this.#ids };
    return [start, ...this.#replayed(), ...this.#step()];
  }

  #replayed(): readonly Chunk[] {
    // `tool-input-available` makes the client run the tool, and these have their outputs.
    const chunks = this.#earlier
      .flatMap((event) => this.#chunksOf(event))
      .filter(({ type }) => type !== 'tool-input-available');
    this.#waiting.clear();
    return [...chunks, ...this.#endStep()];
  }

  #step(): readonly Chunk[] {
    if (this.#isInStep) return [];
    this.#isInStep = true;
    this.#opened = 0;
    return [{ type: 'start-step' }];
  }

  /** What the lost attempt said in this step is forgotten. */
  #restart(): readonly Chunk[] {
    if (!this.#hasBegun) return this.#begin();
    [this.#open, this.#opened] = [null, 0];
    this.#waiting.clear();
    return [...this.#step(), { type: 'reset-step' }];
  }

  #say(type: 'text' | 'reasoning', delta: string): readonly Chunk[] {
    const before = [...this.#begin(), ...this.#step()];
    if (this.#open?.type !== type) {
      before.push(...this.#close());
      this.#opened += 1;
      this.#open = { type, id: `${type}-${this.#opened}` };
      before.push({ type: `${type}-start`, id: this.#open.id });
    }
    return [...before, { type: `${type}-delta`, id: this.#open.id, delta }];
  }

  #call({ callId, name, arguments: given }: Extract<TurnEvent, { type: 'tool_call' }>): readonly Chunk[] {
    const before = [...this.#begin(), ...this.#step(), ...this.#close()];
    this.#waiting.add(callId);
    const call = { toolCallId: callId, toolName: name };
    const input = parsed(given);
    return [
      ...before,
      { type: 'tool-input-start', ...call },
      { type: 'tool-input-delta', toolCallId: callId, inputTextDelta: given.trim() === '' ? '{}' : given },
      input === undefined
        ? {
            type: 'tool-input-error',
            ...call,
            input: given,
            errorText: 'the model wrote arguments that are not JSON',
          }
        : { type: 'tool-input-available', ...call, input },
    ];
  }

  #result({ callId, output, isError }: Extract<TurnEvent, { type: 'tool_result' }>): readonly Chunk[] {
    this.#waiting.delete(callId);
    const result = isError
      ? { type: 'tool-output-error', toolCallId: callId, errorText: output }
      : { type: 'tool-output-available', toolCallId: callId, output: parsed(output) ?? output };
    return [...this.#close(), result, ...(this.#waiting.size === 0 ? this.#endStep() : [])];
  }

  #close(): readonly Chunk[] {
    if (this.#open === null) return [];
    const { type, id } = this.#open;
    this.#open = null;
    return [{ type: `${type}-end`, id }];
  }

  #endStep(): readonly Chunk[] {
    if (!this.#isInStep) return [];
    const closed = this.#close();
    this.#isInStep = false;
    return [...closed, { type: 'finish-step' }];
  }
}

function endOf({ type }: TurnEvent): readonly string[] {
  return type === 'done' || type === 'cancelled' || type === 'error' ? [DONE] : [];
}

/** @returns undefined when the text is not JSON */
function parsed(text: string): unknown {
  try {
    return text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}
