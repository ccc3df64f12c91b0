import type { Usage } from './shapes.ts';
import type { SseFrame } from './sse.ts';

/** What a reader of a turn sees, in order; `id` is the place to resume after, and says nothing else. */
export type TurnEvent = { readonly id: string } & (
  | { readonly type: 'queued'; readonly position: number }
  | { readonly type: 'started' | 'restarted'; readonly attempt: number }
  /** `reasoning`: what the model thinks aloud, which is no part of the answer. */
  | { readonly type: 'delta' | 'reasoning'; readonly content: string }
  | {
      readonly type: 'tool_call';
      readonly call_id: string;
      readonly name: string;
      readonly arguments: string;
    }
  | {
      readonly type: 'tool_result';
      readonly call_id: string;
      readonly output: string;
      readonly is_error: boolean;
    }
  | { readonly type: 'done'; readonly finish_reason: string; readonly usage: Usage | null }
  | { readonly type: 'cancelled'; readonly kept: boolean }
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly retryable: boolean }
);

const TERMINAL = new Set(['done', 'cancelled', 'error']);
const KNOWN = new Set([
  ...['queued', 'started', 'restarted', 'delta', 'reasoning', 'tool_call', 'tool_result'],
  ...TERMINAL,
]);

/** Only these end a stream; one that ends without was cut. */
export function isTerminal(event: TurnEvent): boolean {
  return TERMINAL.has(event.type);
}

/** @returns null for an event that this client does not know: a newer server may send more */
export function readEvent(frame: SseFrame): TurnEvent | null {
  if (!KNOWN.has(frame.event)) return null;
  return { ...JSON.parse(frame.data), type: frame.event, id: frame.id };
}
