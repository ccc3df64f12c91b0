import type { EventId, PlacedEvent, TurnEvent } from '../conversation/events.ts';
import type { TurnFailure, Usage } from '../conversation/turn.ts';
import { isErrorCode } from '../errors.ts';
import { parseObject } from './message-codec.ts';

/** A log entry: one batch of events; its id is the last one's, the others count down from it. */
export function encodeBatch(events: readonly TurnEvent[]): string {
  return JSON.stringify(events);
}

/** Events of an entry with their places; what cannot be read is left out. */
export function decodeBatch(lastId: EventId, text: string): readonly PlacedEvent[] {
  const batch = parseArray(text);
  return batch.flatMap((item, index) => {
    const event = asEvent(item);
    const seq = lastId.seq - (batch.length - 1 - index);
    return event === null ? [] : [{ id: { attempt: lastId.attempt, seq }, event }];
  });
}

function parseArray(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** An operator can write anything into a key, so the shape is checked on the way in. */
function asEvent(item: unknown): TurnEvent | null {
  if (typeof item !== 'object' || item === null || !('type' in item)) return null;
  const event = item as Record<string, unknown>;
  switch (event.type) {
    case 'queued':
      return isCount(event.position) ? { type: 'queued', position: event.position } : null;
    case 'started':
    case 'restarted':
      return isCount(event.attempt) ? { type: event.type, attempt: event.attempt } : null;
    case 'delta':
      return typeof event.content === 'string' ? { type: 'delta', content: event.content } : null;
    case 'done':
      return typeof event.finishReason === 'string' && isCount(event.messageCount)
        ? {
            type: 'done',
            finishReason: event.finishReason,
            usage: asUsage(event.usage),
            messageCount: event.messageCount,
          }
        : null;
    case 'cancelled':
      return typeof event.kept === 'boolean' && isCount(event.messageCount)
        ? { type: 'cancelled', kept: event.kept, messageCount: event.messageCount }
        : null;
    case 'error': {
      const failure = asFailure(event);
      return failure === null ? null : { type: 'error', ...failure };
    }
    default:
      return null;
  }
}

export function asUsage(value: unknown): Usage | null {
  if (typeof value !== 'object' || value === null) return null;
  const usage = value as Record<string, unknown>;
  return isCount(usage.promptTokens) && isCount(usage.completionTokens) && isCount(usage.totalTokens)
    ? {
        promptTokens: usage.promptTokens,
        completionTokens: usage.completionTokens,
        totalTokens: usage.totalTokens,
      }
    : null;
}

export function asFailure(value: Record<string, unknown> | null): TurnFailure | null {
  if (value === null || !isErrorCode(value.code) || typeof value.message !== 'string') return null;
  return {
    code: value.code,
    message: value.message,
    retryable: value.retryable === true,
    ...(isCount(value.modelStatus) ? { modelStatus: value.modelStatus } : {}),
  };
}

export function failureOf(text: string | undefined): TurnFailure | null {
  return text === undefined ? null : asFailure(parseObject(text));
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
