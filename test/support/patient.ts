import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './deployment.ts';
import { type Answer, type ChatBody, chat } from './http.ts';
import type { SseReader } from './sse.ts';

const RETRY_MS = 50;
const PATIENCE_MS = 20_000;

export interface PatientAnswer {
  readonly body: ChatBody;
  /** Answers and breaks before the one that counted. */
  readonly refusals: readonly string[];
}

/**
 * A client that does what clients are told to do: on a retryable error or a broken connection it asks again with
 * the same Idempotency-Key, here or elsewhere, until it knows what became of its turn.
 *
 * @throws   when it was told something that no retry mends, or knows nothing after 20 s
 */
export async function chatUntilTold(
  replicas: readonly { readonly url: string }[],
  conversationId: string,
  message: string,
  options: { readonly onBusy?: string } = {},
): Promise<PatientAnswer> {
  const refusals: string[] = [];
  const until = performance.now() + PATIENCE_MS;
  for (let tries = 0; performance.now() < until; tries += 1) {
    const replica = replicas[tries % replicas.length];
    if (replica === undefined) throw new Error('no replica to ask');
    const asked = chat(replica, conversationId, message, { ...options, idempotencyKey: message });
    const answer = await asked.catch((error: unknown) => String(error));
    if (typeof answer !== 'string' && answer.status === 200) return { body: answer.body, refusals };
    if (typeof answer !== 'string' && answer.status !== 429 && answer.status < 500) {
      throw new Error(`${message}: ${JSON.stringify(answer.body)}`);
    }
    refusals.push(typeof answer === 'string' ? answer : (answer.body.error?.code ?? `${answer.status}`));
    await sleep(RETRY_MS);
  }
  throw new Error(`${message}: nothing but ${refusals.join(', ')}`);
}

/** The same for a stream: until the message is in. A machine that stands still for a moment gets 503. */
export async function sayUntilIn(
  replica: { readonly url: string },
  conversationId: string,
  message: string,
  options: { readonly onBusy?: string } = {},
): Promise<SseReader> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const reader = await say(replica, conversationId, message, { ...options, idempotencyKey: message });
    if (reader.status === 200) return reader;
    const refusal = JSON.stringify(await reader.json());
    if (reader.status < 500 || performance.now() > until) throw new Error(`${message}: ${refusal}`);
    await sleep(RETRY_MS);
  }
}

/** What a caller was told and how long it took; a broken connection is a status of 0. */
export async function timed<T>(
  ask: Promise<Answer<T>>,
): Promise<{ readonly status: number; readonly ms: number; readonly answer: Answer<T> | undefined }> {
  const askedAt = performance.now();
  const answer = await ask.catch(() => undefined);
  return { status: answer?.status ?? 0, ms: performance.now() - askedAt, answer };
}
