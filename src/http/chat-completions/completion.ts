import { usageToJson } from '../../conversation/events.ts';
import { type Part, textOf } from '../../conversation/parts.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import type { CollectedTurn } from '../door/collect-turn.ts';
import type { Completion } from './reply-schema.ts';
import type { ChatRequest } from './request-schema.ts';

/** A call of one of the caller's functions. */
export type Call = Extract<Part, { readonly type: 'function_call' }>;

/** What all objects of an answer have in common. */
export interface CompletionHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly service_tier?: string;
}

export function headOf({ turnId }: TurnRef, { model, service_tier: tier }: ChatRequest): CompletionHead {
  const created = Math.floor(Date.now() / 1000);
  return {
    id: `chatcmpl-${turnId}`,
    created,
    model,
    ...(typeof tier === 'string' ? { service_tier: tier } : {}),
  };
}

/** A whole answer. */
export function completionOf(
  head: CompletionHead,
  { metadata }: ChatRequest,
  { parts, end }: CollectedTurn,
): Completion {
  const calls = end.type === 'done' ? openCalls(parts) : [];
  const text = textOf(parts);
  const reasoning = parts.map((part) => (part.type === 'reasoning' ? part.text : '')).join('');
  const message: Completion['choices'][number]['message'] = {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    refusal: null,
    annotations: [],
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(callToJson) }),
  };
  const usage = end.type === 'done' ? usageToJson(end.usage) : null;
  return {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReasonOf(end, calls.length > 0) }],
    ...(usage === null ? {} : { usage }),
    ...(metadata ? { metadata } : {}),
  };
}

/** The calls that wait for their caller: those of tools that ran here have a result. */
export function openCalls(parts: readonly Part[]): readonly Call[] {
  const results = new Set(parts.flatMap((part) => (part.type === 'function_result' ? [part.callId] : [])));
  return parts.filter((part) => part.type === 'function_call').filter(({ callId }) => !results.has(callId));
}

export function callToJson({ callId, name, arguments: given }: Call) {
  return { id: callId, type: 'function', function: { name, arguments: given } } as const;
}

type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/**
 * The reason in one of the words that clients know; model servers have others. A turn that somebody stopped has
 * stopped: what was said until then is the answer, as the history has it.
 */
export function finishReasonOf(end: CollectedTurn['end'], hasCalls: boolean): FinishReason {
  if (end.type === 'cancelled') return 'stop';
  if (/filter|safety/i.test(end.finishReason)) return 'content_filter';
  if (/length|max_?tokens|window/i.test(end.finishReason)) return 'length';
  return hasCalls ? 'tool_calls' : 'stop';
}
