import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type ChatBody, chat } from '../http/http.ts';

const RETRY_MS = 50;
const PATIENCE_MS = 20_000;

export interface PatientAnswer {
  readonly body: ChatBody;
  /** Refusals and broken connections before the final answer. */
  readonly refusals: readonly string[];
}

/**
 * A client as documented: after a retryable error or a broken connection it retries with
 * the same Idempotency-Key, on the same or another replica, until it knows the result of its turn.
 *
 * @throws   on an error that is not retryable, or after 20 s without a result
 */
export async function chatUntilAnswered(
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
  throw new Error(`${message}: only refusals: ${refusals.join(', ')}`);
}

/** The status a caller got and how long it took; 0 for a broken connection. */
export async function timed<T>(
  ask: Promise<Answer<T>>,
): Promise<{ readonly status: number; readonly ms: number; readonly answer: Answer<T> | undefined }> {
  const askedAt = performance.now();
  const answer = await ask.catch(() => undefined);
  return { status: answer?.status ?? 0, ms: performance.now() - askedAt, answer };
}
