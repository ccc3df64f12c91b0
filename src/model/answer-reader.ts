import { StringDecoder } from 'node:string_decoder';
import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import { ModelRefused } from '../conversation/model-refused.ts';
import type { ModelAnswer, ModelPart } from '../conversation/ports/model.ts';
import type { Usage } from '../conversation/usage.ts';
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

export type OnPart = (part: ModelPart) => void | Promise<void>;

/**
 * Reads the bytes of an answer: events of a stream, or one JSON body from a server that cannot stream. Its first
 * character decides which of the two it is, whatever the content type says.
 */
export class AnswerReader {
  readonly #onPart: OnPart;
  readonly #maxBytes: number;
  readonly #utf8 = new StringDecoder('utf8');
  readonly #pairs = new WholePairs();
  readonly #parser: EventSourceParser;
  readonly #waiting: ModelPart[] = [];
  #kind: 'unknown' | 'stream' | 'json' | 'page' = 'unknown';
  #json = '';
  #state: AnswerState = 'empty';
  #failure: ModelFailure | null = null;
  #finishReason: string | null = null;
  #usage: Usage | null = null;
  #hasCalls = false;
  #isDone = false;
  /** The text so far, to compare with a snapshot of it. */
  #text = '';
  #hasThoughts = false;
  /** A finish reason came with content, or before it: it does not mark the end. */
  #reasonsMeanNothing = false;

  /** @param maxBytes  longest event, or whole body */
  constructor(onPart: OnPart, maxBytes: number) {
    this.#onPart = onPart;
    this.#maxBytes = maxBytes;
    this.#parser = createParser({
      maxBufferSize: maxBytes,
      onEvent: (event) => this.#readEvent(event),
      onError: (error) => {
        if (error.type === 'max-buffer-size-exceeded') throw withoutEnd();
        // llama.cpp's line `error: {…}`, and errors that a gateway wrote as they were.
        if (error.field === 'error') this.#fail(parsed(error.value ?? '') ?? error.value);
        else if (error.line?.startsWith('{')) this.#readData(error.line);
      },
    });
  }

  /** `[DONE]` was read: nothing more of the answer comes. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Only the usage may still come. */
  get isFinished(): boolean {
    return this.#state === 'finished' && !this.#reasonsMeanNothing;
  }

  get isBroken(): boolean {
    return this.#state === 'broken';
  }

  /**
   * Reads on. When a part is not taken at once, this returns a promise, and the next bytes must wait for it.
   *
   * @throws what `onPart` throws; ModelFailure for an event or a body that is too long
   */
  feed(bytes: Buffer): void | Promise<void> {
    if (this.#isDone) return;
    this.#take(this.#utf8.write(bytes));
    // Whatever came, the server is alive: comments, empty lines, events without data.
    if (this.#waiting.length === 0) this.#waiting.push({ type: 'sign' });
    return this.#handOn();
  }

  /**
   * The result of the answer.
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
        throw new ModelFailure(this.#cutBecause, { mayRetry: false });
      case 'empty':
        // No content, no reasoning, and no room left: the prompt fills the window.
        if (isAboutLength(this.#finishReason) && !this.#hasThoughts) {
          throw new ModelRefused(200, 'too_long', new Error(this.#ending));
        }
        throw new ModelFailure('gave an empty answer', { mayRetry: false });
      case 'refused':
        throw new ModelRefused(200, 'filter', new Error(this.#ending));
      case 'timeout':
        throw new TurnwiseError('model_timeout');
      case 'broken':
        throw this.#failure ?? new ModelFailure(this.#ending, { mayRetry: false });
    }
  }

  get #cutBecause(): string {
    return this.#kind === 'page'
      ? 'sent a page of HTML: OPENAI_BASE_URL must end where /chat/completions begins'
      : 'cut the stream';
  }

  /** For the log: a reason is the server's own text, and is kept only when it looks like a word. */
  get #ending(): string {
    return `ended with ${/^[\w-]+$/.test(this.#finishReason ?? '') ? this.#finishReason : 'a reason'}`;
  }

  /** Reads an event that lacks its last empty line, and a body that is not a stream. */
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
      this.#kind = first === '{' || first === '[' ? 'json' : first === '<' ? 'page' : 'stream';
    }
    if (this.#kind === 'stream') {
      this.#parser.feed(text);
      return;
    }
    this.#json += text;
    if (this.#json.length > this.#maxBytes) throw withoutEnd();
  }

  /** One answer, a list of chunks, or a chunk a line. */
  #readBody(): void {
    const body = this.#json.replaceAll('\ufeff', '');
    const whole = parsed(body);
    if (whole === undefined) {
      for (const line of body.split('\n')) this.#readData(line);
      return;
    }
    this.#readChunks(whole);
    this.#isDone = true;
  }

  #readEvent({ event, data }: EventSourceMessage): void {
    if (event === 'error') this.#fail(parsed(data) ?? data);
    else this.#readData(data);
  }

  /** Heartbeats may be events whose data is empty, or a word. */
  #readData(data: string): void {
    // Some gateways frame events twice.
    const text = data.replace(/^(?:\s|data:)+/, '').trim();
    if (this.#isDone || text === '') return;
    if (text === '[DONE]') {
      this.#isDone = true;
      return;
    }
    if (!/^[{[]/.test(text)) {
      if (text.startsWith('<')) this.#kind = 'page';
      return;
    }
    const value = parsed(text);
    if (value !== undefined) this.#readChunks(value);
    // Two events that lost the empty line between them.
    else if (text.includes('\n')) for (const line of text.split('\n')) this.#readData(line);
    else this.#fail('a chunk is not JSON');
  }

  #readChunks(value: unknown): void {
    for (const one of Array.isArray(value) ? value : [value]) this.#readChunk(one);
  }

  #readChunk(value: unknown): void {
    const { parts, isSnapshot, finishReason, usage, error } = readChunk(value);
    const before = this.#waiting.length;
    const hadCalls = this.#hasCalls;
    for (const part of parts) {
      // A message that grows beside its deltas repeats their calls.
      if (isSnapshot && hadCalls && part.type === 'tool_call') continue;
      this.#readPart(isSnapshot ? this.#newIn(part) : part);
    }
    if (error !== null) this.#fail(error);
    else if (finishReason !== null) {
      this.#finish(finishReason);
      if (this.#waiting.length > before && !isSnapshot) this.#reasonsMeanNothing = true;
    }
    if (usage !== null) this.#usage = usage;
  }

  /** The new part of a message that holds the answer so far. One that contradicts it is ignored. */
  #newIn(part: ModelPart): ModelPart {
    if (part.type !== 'text' || this.#text === '') return part;
    return { type: 'text', text: part.text.startsWith(this.#text) ? part.text.slice(this.#text.length) : '' };
  }

  #readPart(part: ModelPart): void {
    if (part.type === 'sign' || this.#state === 'broken') return;
    if (part.type === 'text') {
      if (part.text === '') return;
      this.#step('content');
      this.#text += part.text;
      const text = this.#pairs.next(part.text);
      if (text !== '') this.#waiting.push({ type: 'text', text });
      return;
    }
    if (part.type === 'reasoning') this.#hasThoughts = true;
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
    // A failure after a whole answer is not its finish reason.
    if (!wasBroken && (item !== 'failure' || this.#state === 'broken')) this.#finishReason = reason;
  }

  #fail(error: unknown): void {
    const wasBroken = this.#state === 'broken';
    this.#step('error');
    if (this.#state === 'broken' && !wasBroken) this.#failure = brokenBy(error);
  }

  #step(item: AnswerItem): void {
    this.#state = NEXT_STATE[this.#state][item];
    if (this.#state === 'reopened') this.#reasonsMeanNothing = true;
  }

  #handOn(): void | Promise<void> {
    for (let part = this.#waiting.shift(); part !== undefined; part = this.#waiting.shift()) {
      const taken = this.#onPart(part);
      if (taken !== undefined) return taken.then(() => this.#handOn());
    }
  }
}

/** `length`, and other names that servers give it. */
function isAboutLength(reason: string | null): boolean {
  return /length|context|window|max_tokens/.test(reason ?? '');
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

/** Keeps half a surrogate pair until its other half comes; a lone one is replaced, because UTF-8 cannot encode it. */
class WholePairs {
  #half = '';

  next(piece: string): string {
    const text = this.#half + piece;
    const last = text.charCodeAt(text.length - 1);
    this.#half = last >= 0xd800 && last <= 0xdbff ? text.slice(-1) : '';
    return text.slice(0, text.length - this.#half.length).toWellFormed();
  }
}
