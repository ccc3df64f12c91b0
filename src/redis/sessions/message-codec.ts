import { usageFromJson, usageToJson } from '../../conversation/events.ts';
import { isPlainText, type Part, partFromJson, partToJson, textOf } from '../../conversation/parts.ts';
import type { History, Message, Receipt, Role, SessionRef } from '../../conversation/session.ts';
import { TurnwiseError } from '../../errors.ts';
import { parseObject } from '../json.ts';
import { sessionTag } from '../keys.ts';
import type { HistoryReply } from '../scripts.ts';

/**
 * A message as it is stored in the list: `id` and `turn_id` first, before any text of a caller, because scripts find
 * them by pattern. `content` is its text, for people who look into Redis; `parts` is there when it is more than text.
 */
export function encodeMessage(session: SessionRef, message: Message): string {
  return JSON.stringify({
    id: message.id,
    turn_id: message.turnId,
    session: sessionTag(session),
    role: message.role,
    created_at: new Date(message.createdAtMs).toISOString(),
    content: textOf(message.parts),
    ...(isPlainText(message.parts) ? {} : { parts: message.parts.map(partToJson) }),
    ...(message.truncated ? { truncated: true } : {}),
    ...(message.receipt === undefined ? {} : { receipt: receiptToJson(message.receipt) }),
  });
}

/** @throws corrupt_session when it is not one of ours, or another session's */
export function decodeMessage(session: SessionRef, text: string): Message {
  const stored = parseObject(text);
  const createdAtMs = typeof stored?.created_at === 'string' ? Date.parse(stored.created_at) : Number.NaN;
  const parts = stored === null ? null : partsOf(stored);
  const receipt = receiptFrom(stored?.receipt);
  if (
    stored === null ||
    typeof stored.id !== 'string' ||
    typeof stored.turn_id !== 'string' ||
    parts === null ||
    !isRole(stored.role) ||
    Number.isNaN(createdAtMs)
  ) {
    throw corrupt(session, 'a stored message cannot be read');
  }
  // A reply that belongs to another request would be shown to the wrong person: every message names its session.
  if (stored.session !== sessionTag(session))
    throw corrupt(session, 'a stored message names another session');
  return {
    id: stored.id,
    turnId: stored.turn_id,
    role: stored.role,
    parts,
    createdAtMs,
    truncated: stored.truncated === true,
    ...(receipt === null ? {} : { receipt }),
  };
}

function receiptToJson({ echo, finishReason, usage, startedAtMs, endedAtMs }: Receipt) {
  return {
    ...{ echo, finish_reason: finishReason, usage: usageToJson(usage) },
    ...{ started_at: startedAtMs, ended_at: endedAtMs },
  };
}

/** @returns null when there is none, or it cannot be read: the message is of use without it */
function receiptFrom(value: unknown): Receipt | null {
  if (typeof value !== 'object' || value === null) return null;
  const stored = value as Readonly<Record<string, unknown>>;
  const { echo, finish_reason: reason, usage, started_at: startedAtMs, ended_at: endedAtMs } = stored;
  if (typeof echo !== 'string' || typeof startedAtMs !== 'number' || typeof endedAtMs !== 'number')
    return null;
  const finishReason = typeof reason === 'string' ? reason : null;
  return { echo, finishReason, usage: usageFromJson(usage), startedAtMs, endedAtMs };
}

/** A stretch of history as the scripts reply with it. @throws corrupt_session */
export function decodeHistory(
  session: SessionRef,
  { epoch, generation, from, messages, count, dropped }: HistoryReply,
): History {
  const decoded = messages.map((text) => decodeMessage(session, text));
  return { epoch, generation, from, messages: decoded, messageCount: count, dropped };
}

function partsOf({ content, parts }: Readonly<Record<string, unknown>>): readonly Part[] | null {
  if (parts === undefined) return typeof content === 'string' ? [{ type: 'text', text: content }] : null;
  return Array.isArray(parts) ? partsFrom(parts) : null;
}

/** @returns null when one of them is not a part */
export function partsFrom(values: readonly unknown[]): readonly Part[] | null {
  const parts = values.flatMap((value) => partFromJson(value) ?? []);
  return parts.length === values.length ? parts : null;
}

export function corrupt(session: SessionRef, what: string): TurnwiseError {
  return new TurnwiseError('corrupt_session', { cause: new Error(`${sessionTag(session)}: ${what}`) });
}

export function isRole(value: unknown): value is Role {
  return value === 'user' || value === 'assistant' || value === 'tool';
}
