import type { PlacedEvent, TurnEvent } from '../../conversation/events.ts';
import { assertNever, TurnwiseError } from '../../errors.ts';
import { errorToJson } from './error-table.ts';
import { answerMessageId, parseResponseId } from './ids.ts';
import { ItemNumbers, itemToJson, type OutputItem, textOfItem } from './items.ts';
import {
  incompleteReason,
  type ResponseHead,
  type ResponseJson,
  type ResponseState,
  type ResponseStatus,
  responseToJson,
} from './response-object.ts';
import { beginFrame, endFrames, type Frame, pieceFrame } from './spoken-words.ts';

/** Takes each frame in order; `make` is called only where the frame is wanted. */
export type Emit = (make: () => Frame) => void;

/**
 * Folds the events of a turn into a response and its frames. The only such fold: what is streamed, what is replayed on
 * another replica, and a response that is given whole come from it, so a frame has the same number everywhere.
 */
export class ResponseFold {
  readonly #head: ResponseHead;
  readonly #endedAtMs: () => number;
  #state: ResponseState = {
    ...{ status: 'in_progress', output: [], endedAtMs: null, reason: null, failure: null, usage: null },
  };
  #hasBegun = false;
  #isQueued = false;
  #numbers: ItemNumbers;
  /** Those of the attempt that runs. */
  #items: OutputItem[] = [];
  #itemCount = 0;
  #text: OutputItem | null = null;
  #reasoning: OutputItem | null = null;

  /** @param endedAtMs  asked at the end: the log has the order of events, not their times */
  constructor(head: ResponseHead, endedAtMs: () => number) {
    this.#head = head;
    this.#endedAtMs = endedAtMs;
    this.#numbers = this.#numbersOf(0);
  }

  /** The response as it is after the events so far; its items only once it has ended. */
  get response(): ResponseJson {
    return responseToJson(this.#head, this.#state);
  }

  take({ id, event }: PlacedEvent, emit: Emit): void {
    if (!this.#hasBegun) this.#begin(event, emit);
    switch (event.type) {
      case 'queued':
        return;
      case 'started':
      case 'restarted':
        if (this.#isQueued) emit(this.#lifecycle('response.in_progress', 'in_progress'));
        this.#isQueued = false;
        this.#beginAttempt(id.fence, emit);
        return;
      case 'delta':
        this.#close('reasoning', emit);
        this.#text = this.#say(this.#text, 'message', event.content, emit);
        return;
      case 'reasoning':
        // A text is one part in the history, unless something that is stored stands in it.
        if (this.#head.storesReasoning) this.#close('text', emit);
        this.#reasoning = this.#say(this.#reasoning, 'reasoning', event.content, emit);
        return;
      case 'tool_call':
        this.#closeAll('completed', emit);
        this.#showCall(event, emit);
        return;
      case 'tool_result':
        this.#closeAll('completed', emit);
        this.#showResult(event, emit);
        return;
      case 'done':
      case 'cancelled':
      case 'error':
        this.#end(event, emit);
        return;
      default:
        assertNever(event);
    }
  }

  get #asksForSummary(): boolean {
    return this.#head.echo.reasoning.summary !== null;
  }

  #numbersOf(fence: number): ItemNumbers {
    const { id, storesReasoning } = this.#head;
    const { conversationId = '' } = parseResponseId(id) ?? {};
    return new ItemNumbers(conversationId, (index) => answerMessageId(fence, index), storesReasoning);
  }

  #begin({ type }: TurnEvent, emit: Emit): void {
    this.#hasBegun = true;
    this.#isQueued = type === 'queued';
    const status = this.#isQueued ? 'queued' : 'in_progress';
    emit(this.#lifecycle('response.created', status));
    emit(this.#lifecycle(`response.${status}`, status));
  }

  /** Forgets what an earlier attempt said. Its open items end unfinished, and are no part of the answer. */
  #beginAttempt(fence: number, emit: Emit): void {
    this.#closeAll('incomplete', emit);
    this.#items = [];
    this.#numbers = this.#numbersOf(fence);
  }

  /** More of a text, which begins an item unless one is open. @returns the item */
  #say(open: OutputItem | null, type: 'message' | 'reasoning', piece: string, emit: Emit): OutputItem {
    const as = type === 'reasoning' && this.#asksForSummary ? 'summary' : type;
    const item = open ?? this.#add({ type, as }, emit);
    if (open === null) emit(() => beginFrame(as, item));
    item.pieces.push(piece);
    emit(() => pieceFrame(as, item, piece));
    return item;
  }

  #add(made: Pick<OutputItem, 'type'> & Partial<OutputItem>, emit: Emit): OutputItem {
    const id = this.#numbers.next(made.type);
    const blank = { callId: '', name: '', as: null, status: 'in_progress' } as const;
    const item: OutputItem = { ...blank, pieces: [], ...made, id, index: this.#itemCount };
    this.#itemCount += 1;
    this.#items.push(item);
    emit(() => ({
      type: 'response.output_item.added',
      output_index: item.index,
      item: itemToJson(item, true),
    }));
    return item;
  }

  #closeAll(status: 'completed' | 'incomplete', emit: Emit): void {
    this.#close('reasoning', emit, status);
    this.#close('text', emit, status);
  }

  #close(which: 'text' | 'reasoning', emit: Emit, status: 'completed' | 'incomplete' = 'completed'): void {
    const item = which === 'text' ? this.#text : this.#reasoning;
    if (item === null) return;
    if (which === 'text') this.#text = null;
    else this.#reasoning = null;
    const text = textOfItem(item);
    item.pieces.splice(0, item.pieces.length, text);
    if (item.as !== null) for (const frame of endFrames(item.as, item, text)) emit(() => frame);
    this.#finish(item, status, emit);
  }

  #showCall(event: Extract<TurnEvent, { type: 'tool_call' }>, emit: Emit): void {
    const { callId, name, arguments: given } = event;
    const item = this.#add({ type: 'function_call', callId, name, pieces: [given] }, emit);
    const place = { item_id: item.id, output_index: item.index };
    emit(() => ({ type: 'response.function_call_arguments.delta', ...place, delta: given }));
    emit(() => ({ type: 'response.function_call_arguments.done', ...place, name, arguments: given }));
    this.#finish(item, 'completed', emit);
  }

  #showResult({ callId, output }: Extract<TurnEvent, { type: 'tool_result' }>, emit: Emit): void {
    const item = this.#add({ type: 'function_call_output', callId, pieces: [output] }, emit);
    this.#finish(item, 'completed', emit);
  }

  #finish(item: OutputItem, status: 'completed' | 'incomplete', emit: Emit): void {
    item.status = status;
    emit(() => ({ type: 'response.output_item.done', output_index: item.index, item: itemToJson(item) }));
  }

  #end(event: Extract<TurnEvent, { type: 'done' | 'cancelled' | 'error' }>, emit: Emit): void {
    const reason = event.type === 'done' ? incompleteReason(event.finishReason) : null;
    const isWhole = event.type === 'done' && reason === null;
    this.#closeAll(isWhole ? 'completed' : 'incomplete', emit);
    const status: ResponseStatus =
      event.type === 'error'
        ? 'failed'
        : event.type === 'cancelled'
          ? 'cancelled'
          : isWhole
            ? 'completed'
            : 'incomplete';
    this.#state = {
      status,
      output: this.#items.map((item) => itemToJson(item)),
      endedAtMs: this.#endedAtMs(),
      reason,
      failure: event.type === 'error' ? event : null,
      usage: event.type === 'done' ? event.usage : null,
    };
    if (event.type === 'error') {
      const error = new TurnwiseError(event.code, { message: event.message });
      emit(() => ({ type: 'error', error: errorToJson(error) }));
    }
    // The protocol has no frame for a response that was cancelled.
    const last = status === 'cancelled' ? 'incomplete' : status;
    emit(() => ({ type: `response.${last}`, response: this.response }));
  }

  #lifecycle(type: string, status: 'queued' | 'in_progress'): () => Frame {
    this.#state = { ...this.#state, status };
    return () => ({ type, response: this.response });
  }
}
