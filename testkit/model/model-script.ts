import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurnOfLoop, setTimeout as sleep } from 'node:timers/promises';
import { chunksOf, DONE, frameOf } from './chunks.ts';

/** A place where the scripted model stops until the test lets it go on. */
export interface Gate {
  /** Fulfilled when a request has reached it. */
  readonly reached: Promise<void>;
  /** Fulfilled by `open`. */
  readonly opened: Promise<void>;
  /** Lets waiting and later requests through. */
  open(): void;
  /** Only for the model. */
  reach(): void;
}

export function createGate(): Gate {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    opened: opened.promise,
    open: () => opened.resolve(),
    reach: () => reached.resolve(),
  };
}

export interface ModelUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** One thing the model does. The first that sends a chunk opens the stream. */
export type Step =
  | { readonly delta: string }
  /** Raw bytes instead of a chunk. */
  | { readonly raw: string | Uint8Array }
  /** Any JSON as one `data:` line. */
  | { readonly chunk: unknown }
  | { readonly wait: Gate }
  | { readonly delayMs: number }
  /** Opens the stream with these headers besides the usual ones, and sends them now. */
  | { readonly headers: Readonly<Record<string, string>> }
  /** A whole reply that is not a stream; without `body` an error in the OpenAI format. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | { readonly finish: string }
  /** Instead of the usage that the model would count; sends finish `stop` first when none was sent. */
  | { readonly usage: ModelUsage }
  /** Nothing more, with the connection open, until the client disconnects. */
  | { readonly hang: true }
  | { readonly destroySocket: true }
  /** Ends the body here: no finish, no usage, no `[DONE]` beyond what was sent. */
  | { readonly end: true };

/** Steps in order. At the end the model adds finish `stop`, usage and `[DONE]` if missing. */
export type Script = Iterable<Step> | AsyncIterable<Step>;

export interface Exchange {
  readonly response: ServerResponse;
  readonly id: string;
  readonly model: string;
  /** Messages in the prompt: the model counts one token for each, and for each delta. */
  readonly promptTokens: number;
  readonly includeUsage: boolean;
  /** Aborted when the connection is gone. */
  readonly gone: AbortSignal;
  /** Breaks the connection. */
  cut(): void;
}

/** Plays a script into a response; returns when the answer has ended or its client has disconnected. */
export async function playScript(script: Script, exchange: Exchange): Promise<void> {
  const { response, gone } = exchange;
  const left = once(gone, 'abort');
  const sent = { role: false, finish: false, usage: false, deltas: 0 };

  const open = (headers: Readonly<Record<string, string>> = {}) => {
    if (response.headersSent) return;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', ...headers });
    response.flushHeaders();
  };
  const write = async (bytes: string | Uint8Array) => {
    open();
    // An endless script goes at the pace of its reader.
    if (!response.write(bytes)) await once(response, 'drain', { signal: gone }).catch(() => undefined);
  };
  const chunks = chunksOf(exchange.id, exchange.model);
  const say = (delta: object, finish: string | null = null) => write(chunks.delta(delta, finish));
  const sendRole = async () => {
    if (!sent.role) await say({ role: 'assistant', content: '' });
    sent.role = true;
  };
  const sendFinish = async (reason: string) => {
    await sendRole();
    await say({}, reason);
    sent.finish = true;
  };
  const sendUsage = async (usage: ModelUsage) => {
    if (!sent.finish) await sendFinish('stop');
    await write(chunks.usage(usage));
    sent.usage = true;
  };

  for await (const step of script) {
    if (gone.aborted) return;
    if ('delta' in step) {
      await sendRole();
      await say({ content: step.delta });
      sent.deltas += 1;
    } else if ('raw' in step) {
      await write(step.raw);
    } else if ('chunk' in step) {
      await write(frameOf(step.chunk));
    } else if ('wait' in step) {
      step.wait.reach();
      await Promise.race([step.wait.opened, left]);
    } else if ('delayMs' in step) {
      await sleep(step.delayMs, undefined, { signal: gone }).catch(() => undefined);
    } else if ('status' in step) {
      return answerWhole(response, step);
    } else if ('headers' in step) {
      open(step.headers);
    } else if ('finish' in step) {
      await sendFinish(step.finish);
    } else if ('usage' in step) {
      await sendUsage(step.usage);
    } else if ('hang' in step) {
      await left;
      return;
    } else if ('destroySocket' in step) {
      // Node holds back what was written in this tick of the loop.
      await nextTurnOfLoop();
      exchange.cut();
      return;
    } else {
      open();
      response.end();
      return;
    }
  }
  if (gone.aborted) return;
  if (!sent.finish) await sendFinish('stop');
  if (exchange.includeUsage && !sent.usage) {
    const { promptTokens } = exchange;
    const total = promptTokens + sent.deltas;
    await sendUsage({ prompt_tokens: promptTokens, completion_tokens: sent.deltas, total_tokens: total });
  }
  await write(DONE);
  response.end();
}

function answerWhole(response: ServerResponse, step: Extract<Step, { status: number }>): void {
  const error = { message: `scripted ${step.status}`, type: 'scripted_error', param: null, code: null };
  const { body = { error } } = step;
  response.writeHead(step.status, { 'content-type': 'application/json', ...step.headers });
  response.end(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body));
}
