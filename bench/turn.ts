import type { Caller } from './exchange.ts';
import { FIRST_PIECE } from './programs/model-plan.ts';

export type TurnKind = 'json' | 'sse';

/** The duration of a turn as seen by its client. */
export interface TurnTimes {
  readonly beganAt: number;
  readonly ms: number;
  /** Until the first piece of the answer arrived. */
  readonly firstMs: number;
}

/** Sends a message and reads the answer. @throws when the answer is incomplete */
export async function takeTurn(
  caller: Caller,
  kind: TurnKind,
  conversationId: string,
  message: string,
): Promise<TurnTimes> {
  const body = JSON.stringify({ message, conversation_id: conversationId });
  return timed(caller, kind === 'json' ? '/api/chat' : '/api/chat/stream', body, endOf[kind]);
}

/** Sends a whole prompt, of which the last message is the question, to a program that keeps none itself. */
export async function takePrompt(caller: Caller, messages: readonly unknown[]): Promise<TurnTimes> {
  const last = messages.at(-1) as { readonly content: string };
  const body = JSON.stringify({ message: last.content, messages: messages.slice(0, -1) });
  return timed(caller, '/api/chat', body, endOf.json);
}

/** The same question, directly to the model. */
export function askModel(caller: Caller, message: string): Promise<TurnTimes> {
  return timed(caller, '/v1/chat/completions', bodyForModel(message), '[DONE]');
}

export function bodyForModel(message: string): string {
  return JSON.stringify({ model: 'scripted', messages: [{ role: 'user', content: message }], stream: true });
}

const endOf = { json: '"finish_reason":"stop"', sse: 'event: done\n' } as const;

/** @throws when the answer is incomplete */
export async function timed(
  caller: Caller,
  path: string,
  body: string,
  end: string,
  headers?: Readonly<Record<string, string>>,
): Promise<TurnTimes> {
  const beganAt = performance.now();
  let firstMs = Number.NaN;
  const heard = (soFar: string) => {
    if (Number.isNaN(firstMs) && soFar.includes(FIRST_PIECE)) firstMs = performance.now() - beganAt;
  };
  const text = await caller.call('POST', path, body, heard, headers);
  if (Number.isNaN(firstMs) || !text.includes(end)) throw new Error(`incomplete answer: ${text}`);
  return { beganAt, ms: performance.now() - beganAt, firstMs };
}
