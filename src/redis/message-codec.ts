import type { NewMessage } from '../conversation/ports.ts';
import type { Message, Role, SessionRef } from '../conversation/session.ts';
import { TurnwiseError } from '../errors.ts';
import { sessionTag } from './keys.ts';

/**
 * A message as it stands in the list. The id is put in front by the script that knows its place. `turn_id`
 * and `fence` come before any text of a caller, because scripts find them by pattern.
 */
export function encodeMessage(
  session: SessionRef,
  turnId: string,
  fence: string,
  message: NewMessage,
): string {
  return JSON.stringify({
    session: sessionTag(session),
    turn_id: turnId,
    fence,
    role: message.role,
    created_at: new Date(message.createdAtMs).toISOString(),
    content: message.content,
    ...(message.truncated ? { truncated: true } : {}),
  });
}

/** @throws corrupt_session when it is not one of ours, or another session's */
export function decodeMessage(session: SessionRef, text: string): Message {
  const stored = parseObject(text);
  const createdAtMs = typeof stored?.created_at === 'string' ? Date.parse(stored.created_at) : Number.NaN;
  if (
    stored === null ||
    typeof stored.id !== 'string' ||
    typeof stored.turn_id !== 'string' ||
    typeof stored.fence !== 'string' ||
    typeof stored.content !== 'string' ||
    !isRole(stored.role) ||
    Number.isNaN(createdAtMs)
  ) {
    throw corrupt(session, 'a stored message cannot be read');
  }
  // A reply that belongs to another request would be shown to the wrong person: every record says whose it is.
  if (stored.session !== sessionTag(session))
    throw corrupt(session, 'a stored message names another session');
  return {
    id: stored.id,
    turnId: stored.turn_id,
    fence: stored.fence,
    role: stored.role,
    content: stored.content,
    createdAtMs,
    truncated: stored.truncated === true,
  };
}

export function messageId(place: number): string {
  return `m${place}`;
}

/** @returns the place in the whole history, or null when the text is not a message id */
export function placeOf(id: string): number | null {
  return /^m\d{1,15}$/.test(id) ? Number(id.slice(1)) : null;
}

export function corrupt(session: SessionRef, what: string): TurnwiseError {
  return new TurnwiseError('corrupt_session', { cause: new Error(`${sessionTag(session)}: ${what}`) });
}

export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function isRole(value: unknown): value is Role {
  return value === 'user' || value === 'assistant' || value === 'tool';
}
