import { isPlainText, type Part, partFromJson, partToJson, textOf } from '../../conversation/parts.ts';
import type { Message, Role, SessionRef } from '../../conversation/session.ts';
import { TurnwiseError } from '../../errors.ts';
import { parseObject } from '../json.ts';
import { sessionTag } from '../keys.ts';

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
  });
}

/** @throws corrupt_session when it is not one of ours, or another session's */
export function decodeMessage(session: SessionRef, text: string): Message {
  const stored = parseObject(text);
  const createdAtMs = typeof stored?.created_at === 'string' ? Date.parse(stored.created_at) : Number.NaN;
  const parts = stored === null ? null : partsOf(stored);
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
  };
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
