import type { Usage } from './shapes.ts';
import type { SseFrame } from './sse.ts';

/** What a reader of a turn sees, in order; `id` is the place to resume after. */
export type TurnEvent = { readonly id: string } & (
  | { readonly type: 'queued'; readonly position: number }
  | { readonly type: 'started' | 'restarted'; readonly attempt: number }
  | { readonly type: 'delta'; readonly content: string }
  | { readonly type: 'done'; readonly finish_reason: string; readonly usage: Usage | null }
  | { readonly type: 'cancelled'; readonly kept: boolean }
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly retryable: boolean }
);

const KNOWN = new Set(['queued', 'started', 'restarted', 'delta', 'done', 'cancelled', 'error']);
const TERMINAL = new Set(['done', 'cancelled', 'error']);

/** Only these end a stream; one that ends without was cut. */
export function isTerminal(event: TurnEvent): boolean {
  return TERMINAL.has(event.type);
}

/** @returns null for an event that this client does not know: a newer server may send more */
export function readEvent(frame: SseFrame): TurnEvent | null {
  if (!KNOWN.has(frame.event)) return null;
  return { ...JSON.parse(frame.data), type: frame.event, id: frame.id };
}
