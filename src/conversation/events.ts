import { isErrorCode } from '../errors.ts';
import type { TurnFailure } from './turn.ts';
import type { Usage } from './usage.ts';

/**
 * What a reader of a turn may see, in order. Canonical: the log in Redis holds these, and each dialect renders them.
 * `done`, `cancelled` and `error` end the stream, and nothing else does.
 */
export type TurnEvent =
  | { readonly type: 'queued'; readonly position: number }
  | { readonly type: 'started'; readonly attempt: number }
  | { readonly type: 'delta'; readonly content: string }
  /** The model's reasoning. */
  | { readonly type: 'reasoning'; readonly content: string }
  | {
      readonly type: 'tool_call';
      readonly callId: string;
      readonly name: string;
      readonly arguments: string;
    }
  | {
      readonly type: 'tool_result';
      readonly callId: string;
      readonly output: string;
      readonly isError: boolean;
    }
  | { readonly type: 'restarted'; readonly attempt: number }
  | {
      readonly type: 'done';
      readonly finishReason: string;
      readonly usage: Usage | null;
      readonly messageCount: number;
    }
  | { readonly type: 'cancelled'; readonly kept: boolean; readonly messageCount: number }
  | ({ readonly type: 'error' } & TurnFailure);

/**
 * The place of an event in its turn: the fence of the attempt (0 while queued) and a number that rises within it.
 * Written `FENCE-SEQ`, which is also a Redis Stream id, so that Redis itself refuses an attempt that was fenced. No
 * fence is issued twice, so after a failover a reader never continues in another answer under the same ids.
 */
export interface EventId {
  readonly fence: number;
  readonly seq: number;
}

export interface PlacedEvent {
  readonly id: EventId;
  readonly event: TurnEvent;
}

export const BEFORE_ALL: EventId = { fence: 0, seq: 0 };

// Fences are µs since 1970: 16 digits until the year 2286, and exact as numbers until then.
const EVENT_ID = /^(\d{1,16})-(\d{1,9})$/;

/** @returns the place, or null when the text is not one */
export function parseEventId(text: string): EventId | null {
  const match = EVENT_ID.exec(text);
  const id = match === null ? null : { fence: Number(match[1]), seq: Number(match[2]) };
  return id === null || !Number.isSafeInteger(id.fence) ? null : id;
}

export function formatEventId(id: EventId): string {
  return `${id.fence}-${id.seq}`;
}

export function isAfter(id: EventId, other: EventId): boolean {
  return id.fence > other.fence || (id.fence === other.fence && id.seq > other.seq);
}

/** How many of the events from an index on go together, bounded in number and in characters; at least one. */
export function countTogether(
  events: readonly PlacedEvent[],
  from: number,
  until: number,
  most: { readonly events: number; readonly characters: number },
): number {
  let characters = 0;
  for (let at = from; at < until; at += 1) {
    characters += charactersOf(events[at]?.event);
    if (at > from && (at - from >= most.events || characters > most.characters)) return at - from;
  }
  return until - from;
}

function charactersOf(event: TurnEvent | undefined): number {
  switch (event?.type) {
    case 'delta':
    case 'reasoning':
      return event.content.length;
    case 'tool_call':
      return event.arguments.length;
    case 'tool_result':
      return event.output.length;
    default:
      return 0;
  }
}

export function isTerminal(event: TurnEvent): boolean {
  return event.type === 'done' || event.type === 'cancelled' || event.type === 'error';
}

type Json = Readonly<Record<string, unknown>>;

/** The JSON form of an event, for the log in Redis and for the native API, which adds the ids of turn and session. */
export function eventToJson(event: TurnEvent): Json & { readonly type: TurnEvent['type'] } {
  switch (event.type) {
    case 'tool_call':
      return { type: event.type, call_id: event.callId, name: event.name, arguments: event.arguments };
    case 'tool_result':
      return { type: event.type, call_id: event.callId, output: event.output, is_error: event.isError };
    case 'done':
      return {
        type: event.type,
        finish_reason: event.finishReason,
        usage: usageToJson(event.usage),
        message_count: event.messageCount,
      };
    case 'cancelled':
      return { type: event.type, kept: event.kept, message_count: event.messageCount };
    case 'error':
      return { type: event.type, ...failureToJson(event) };
    default:
      return event;
  }
}

/** @returns null when the value is not an event: an operator can write anything into a log */
export function eventFromJson(value: unknown): TurnEvent | null {
  const json = asObject(value);
  switch (json?.type) {
    case 'queued':
      return isCount(json.position) ? { type: 'queued', position: json.position } : null;
    case 'started':
    case 'restarted':
      return isCount(json.attempt) ? { type: json.type, attempt: json.attempt } : null;
    case 'delta':
    case 'reasoning':
      return typeof json.content === 'string' ? { type: json.type, content: json.content } : null;
    case 'tool_call': {
      const { call_id: callId, name, arguments: given } = json;
      if (typeof callId !== 'string' || typeof name !== 'string' || typeof given !== 'string') return null;
      return { type: 'tool_call', callId, name, arguments: given };
    }
    case 'tool_result': {
      const { call_id: callId, output } = json;
      if (typeof callId !== 'string' || typeof output !== 'string') return null;
      return { type: 'tool_result', callId, output, isError: json.is_error === true };
    }
    case 'done': {
      const { finish_reason: finishReason, message_count: messageCount } = json;
      if (typeof finishReason !== 'string' || !isCount(messageCount)) return null;
      return { type: 'done', finishReason, usage: usageFromJson(json.usage), messageCount };
    }
    case 'cancelled':
      return typeof json.kept === 'boolean' && isCount(json.message_count)
        ? { type: 'cancelled', kept: json.kept, messageCount: json.message_count }
        : null;
    case 'error': {
      const failure = failureFromJson(json);
      return failure === null ? null : { type: 'error', ...failure };
    }
    default:
      return null;
  }
}

export function usageToJson(usage: Usage | null) {
  return usage === null
    ? null
    : {
        prompt_tokens: usage.promptTokens,
        completion_tokens: usage.completionTokens,
        total_tokens: usage.totalTokens,
      };
}

export function usageFromJson(value: unknown): Usage | null {
  const json = asObject(value);
  const {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: totalTokens,
  } = json ?? {};
  return isCount(promptTokens) && isCount(completionTokens) && isCount(totalTokens)
    ? { promptTokens, completionTokens, totalTokens }
    : null;
}

export function failureToJson({ code, message, retryable, modelStatus }: TurnFailure) {
  return { code, message, retryable, ...(modelStatus === undefined ? {} : { model_status: modelStatus }) };
}

export function failureFromJson(value: unknown): TurnFailure | null {
  const json = asObject(value);
  if (!isErrorCode(json?.code) || typeof json.message !== 'string') return null;
  return {
    code: json.code,
    message: json.message,
    retryable: json.retryable === true,
    ...(isCount(json.model_status) ? { modelStatus: json.model_status } : {}),
  };
}

function asObject(value: unknown): Json | null {
  return typeof value === 'object' && value !== null ? (value as Json) : null;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
