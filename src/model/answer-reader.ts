import { StringDecoder } from 'node:string_decoder';
import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import { ModelRefused } from '../conversation/model-refused.ts';
import type { ModelAnswer, ModelPart } from '../conversation/ports.ts';
import type { Usage } from '../conversation/turn.ts';
import { TurnwiseError } from '../errors.ts';
import {
  type AnswerItem,
  type AnswerState,
  itemOfReason,
  NEXT_STATE,
  type StreamEnd,
  VERDICTS,
} from './answer-end.ts';
import { readChunk } from './chunk.ts';
import { brokenBy, ModelFailure } from './model-failure.ts';
import { WholePairs } from './whole-pairs.ts';

export type OnPart = (part: ModelPart) => void | Promise<void>;

/**
 * Reads the bytes of an answer: events of a stream, or one JSON body from a server that cannot stream. Which of the two
 * it is its first character tells, whatever the content type says.
 */
export class AnswerReader {
  readonly #onPart: OnPart;
  readonly #maxBytes: number;
  readonly #utf8 = new StringDecoder('utf8');
  readonly #pairs = new WholePairs();
  readonly #parser: EventSourceParser;
  readonly #waiting: ModelPart[] = [];
  #kind: 'unknown' | 'stream' | 'json' = 'unknown';
  #json = '';
  #state: AnswerState = 'empty';
  #failure: ModelFailure | null = null;
  #finishReason: string | null = null;
  #usage: Usage | null = null;
  #hasCalls = false;
  #isDone = false;
  #sawLife = false;

  /** @param maxBytes  longest event, or whole body */
  constructor(onPart: OnPart, maxBytes: number) {
    this.#onPart = onPart;
    this.#maxBytes = maxBytes;
    this.#parser = createParser({
      maxBufferSize: maxBytes,
      onEvent: (event) => this.#readEvent(event),
      onComment: () => {
        this.#sawLife = true;
      },
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') throw withoutEnd();
        // A bare JSON line between events: an error that a gateway wrote as it was.
        if (error.line?.startsWith('{')) this.#readData(error.line);
      },
    });
  }

  /** `[DONE]` was read: nothing more of the answer comes. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** All that may still come is the usage. */
  get isFinished(): boolean {
    return this.#state === 'finished';
  }

  get isBroken(): boolean {
    return this.#state === 'broken';
  }

  /**
   * Reads on. When a part is not taken at once, this returns a promise, and the next bytes are to come after it.
   *
   * @throws what `onPart` throws; ModelFailure for something without an end
   */
  feed(bytes: Buffer): void | Promise<void> {
    if (this.#isDone) return;
    this.#take(this.#utf8.write(bytes));
    if (this.#waiting.length === 0 && this.#sawLife) this.#waiting.push({ type: 'sign' });
    this.#sawLife = false;
    return this.#handOn();
  }

  /**
   * What the answer came to.
   *
   * @throws ModelFailure, ModelRefused, model_timeout
   */
  end(how: StreamEnd): ModelAnswer {
    const verdict = VERDICTS[this.#state][this.#isDone ? 'done' : how];
    switch (verdict) {
      case 'complete':
        return {
          finishReason: this.#finishReason ?? (this.#hasCalls ? 'tool_calls' : 'stop'),
          usage: this.#usage,
        };
      case 'cut':
        throw new ModelFailure('cut the stream', { mayRetry: false });
      case 'empty':
        throw new ModelFailure('gave an empty answer', { mayRetry: false });
      case 'refused':
        throw new ModelRefused(200, 'filter', new Error(this.#ending));
      case 'timeout':
        throw new TurnwiseError('model_timeout');
      case 'broken':
        throw this.#failure ?? new ModelFailure(this.#ending, { mayRetry: false });
    }
  }

  /** For the log: a reason is a word of the server's, and is kept only when it looks like one. */
  get #ending(): string {
    return `ended with ${/^[\w-]+$/.test(this.#finishReason ?? '') ? this.#finishReason : 'a reason'}`;
  }

  /** Reads what lacks its last empty line, and a body that is no stream. */
  close(): void | Promise<void> {
    this.#take(this.#utf8.end());
    if (this.#kind === 'stream') this.#parser.feed('\n\n');
    if (this.#kind === 'json') this.#readBody();
    return this.#handOn();
  }

  #take(text: string): void {
    if (this.#kind === 'unknown') {
      const first = /[^\s\ufeff]/.exec(text)?.[0];
      if (first === undefined) return;
      this.#kind = first === '{' || first === '[' ? 'json' : 'stream';
    }
    if (this.#kind === 'stream') {
      this.#parser.feed(text);
      return;
    }
    this.#json += text;
    this.#sawLife = true;
    if (this.#json.length > this.#maxBytes) throw withoutEnd();
  }

  /** One answer, a list of chunks, or a chunk a line. */
  #readBody(): void {
    const whole = parsed(this.#json);
    if (whole === undefined) {
      for (const line of this.#json.split('\n')) if (line.trim() !== '') this.#readData(line);
      return;
    }
    for (const value of Array.isArray(whole) ? whole : [whole]) this.#readChunk(value);
    this.#isDone = true;
  }

  #readEvent({ event, data }: EventSourceMessage): void {
    this.#sawLife = true;
    if (event === 'error') this.#fail(parsed(data) ?? data);
    else this.#readData(data);
  }

  /** Heartbeats may be events whose data is empty, or a word. */
  #readData(data: string): void {
    if (this.#isDone) return;
    const text = data.trim();
    if (text === '[DONE]') {
      this.#isDone = true;
      return;
    }
    if (!text.startsWith('{')) return;
    const value = parsed(text);
    if (value === undefined) this.#fail('a chunk is not JSON');
    else this.#readChunk(value);
  }

  #readChunk(value: unknown): void {
    const { parts, finishReason, usage, error } = readChunk(value);
    for (const part of parts) this.#readPart(part);
    if (error !== null) this.#fail(error);
    else if (finishReason !== null) this.#finish(finishReason);
    if (usage !== null) this.#usage = usage;
  }

  #readPart(part: ModelPart): void {
    if (part.type === 'sign' || this.#state === 'broken') return;
    if (part.type === 'text') {
      if (part.text === '') return;
      this.#step('content');
      const text = this.#pairs.next(part.text);
      if (text !== '') this.#waiting.push({ type: 'text', text });
      return;
    }
    if (part.type === 'tool_call') {
      this.#hasCalls = true;
      this.#step('content');
    }
    this.#waiting.push(part);
  }

  #finish(reason: string): void {
    const wasBroken = this.#state === 'broken';
    const item = itemOfReason(reason);
    this.#step(item);
    // What says that a whole answer broke off is not its reason.
    if (!wasBroken && (item !== 'failure' || this.#state === 'broken')) this.#finishReason = reason;
  }

  #fail(error: unknown): void {
    const wasBroken = this.#state === 'broken';
    this.#step('error');
    if (this.#state === 'broken' && !wasBroken) this.#failure = brokenBy(error);
  }

  #step(item: AnswerItem): void {
    this.#state = NEXT_STATE[this.#state][item];
  }

  #handOn(): void | Promise<void> {
    for (let part = this.#waiting.shift(); part !== undefined; part = this.#waiting.shift()) {
      const taken = this.#onPart(part);
      if (taken !== undefined) return taken.then(() => this.#handOn());
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withoutEnd(): ModelFailure {
  return new ModelFailure('sent something without an end', { mayRetry: false });
}
