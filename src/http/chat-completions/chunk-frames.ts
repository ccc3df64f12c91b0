import { BEFORE_ALL, type PlacedEvent, usageToJson } from '../../conversation/events.ts';
import type { TurnSource } from '../../conversation/read/turn-source.ts';
import { TurnwiseError } from '../../errors.ts';
import { type CollectedTurn, errorOf, idsOf } from '../door/collect-turn.ts';
import type { TurnFrames } from '../door/dialect.ts';
import { sseFrame } from '../door/sse-sink.ts';
import { chatErrorBody } from './chat-errors.ts';
import { type Call, type CompletionHead, callToJson, finishReasonOf } from './completion.ts';

const DONE = sseFrame({ data: '[DONE]' });

/** The chunks of one answer, for the one client that asked for it: this protocol knows no other readers. */
export class ChunkFrames implements TurnFrames {
  readonly after = BEFORE_ALL;
  readonly #ids: Readonly<Record<string, string>>;
  readonly #head: CompletionHead;
  readonly #wantsUsage: boolean;
  /** Held back to the end: only then is it known which of them wait for the caller. */
  readonly #calls = new Map<string, Call>();
  #hasSpoken = false;

  constructor(source: TurnSource, head: CompletionHead, wantsUsage: boolean) {
    this.#ids = idsOf(source);
    this.#head = head;
    this.#wantsUsage = wantsUsage;
  }

  /** @throws the error that ended the turn, as long as nothing was said */
  of({ event }: PlacedEvent): readonly string[] {
    switch (event.type) {
      case 'delta':
        return this.#say({ content: event.content });
      case 'reasoning':
        return this.#say({ reasoning_content: event.content });
      case 'tool_call':
        this.#calls.set(event.callId, { ...event, type: 'function_call' });
        return [];
      case 'tool_result':
        this.#calls.delete(event.callId);
        return [];
      case 'restarted':
        this.#calls.clear();
        if (!this.#hasSpoken) return [];
        throw new TurnwiseError('commit_unknown', { message: BEGAN_ANEW, details: this.#ids });
      case 'done':
      case 'cancelled':
        return this.#end(event);
      case 'error':
        if (!this.#hasSpoken) throw errorOf(event, this.#ids);
        return this.cut(errorOf(event, this.#ids));
      default:
        return [];
    }
  }

  /** Without `[DONE]`: it would say that the answer is complete. */
  cut(error: TurnwiseError): readonly string[] {
    return [sseFrame({ data: JSON.stringify(chatErrorBody(error)) })];
  }

  #say(delta: object): readonly string[] {
    const first = this.#hasSpoken ? [] : [this.#chunk({ role: 'assistant', content: '' })];
    this.#hasSpoken = true;
    return [...first, this.#chunk(delta)];
  }

  #end(end: CollectedTurn['end']): readonly string[] {
    // Nobody waits for the results of a turn that was stopped.
    const calls = end.type === 'done' ? [...this.#calls.values()] : [];
    const shown = calls.map((call, index) => ({ tool_calls: [{ index, ...callToJson(call) }] }));
    const frames = shown.flatMap((delta) => this.#say(delta));
    if (!this.#hasSpoken) frames.push(this.#chunk({ role: 'assistant', content: '' }));
    frames.push(this.#chunk({}, finishReasonOf(end, calls.length > 0)));
    const usage = end.type === 'done' ? usageToJson(end.usage) : null;
    if (this.#wantsUsage && usage !== null) frames.push(this.#frame({ choices: [], usage }));
    return [...frames, DONE];
  }

  #chunk(delta: object, finishReason: string | null = null): string {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
    return this.#frame({ choices, ...(this.#wantsUsage ? { usage: null } : {}) });
  }

  #frame(rest: object): string {
    return sseFrame({ data: JSON.stringify({ ...this.#head, object: 'chat.completion.chunk', ...rest }) });
  }
}

const BEGAN_ANEW =
  'The replica that ran the turn was lost, and the answer has begun anew: what came so far is not part of it.';
