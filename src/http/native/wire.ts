import { failureToJson, usageToJson } from '../../conversation/events.ts';
import { isPlainText, partToJson, textOf } from '../../conversation/parts.ts';
import type { Message, SessionSummary } from '../../conversation/session.ts';
import type { AnsweredTurn } from '../../conversation/turn.ts';

/** The JSON of the native API, which the operator commands print as well. */

export function sessionToJson(summary: SessionSummary) {
  return {
    session_id: summary.conversationId,
    title: summary.title,
    created_at: timeToJson(summary.createdAtMs),
    last_accessed: timeToJson(summary.lastAccessedMs),
    expires_at: timeToJson(summary.expiresAtMs),
    message_count: summary.messageCount,
    ...(summary.parent === null ? {} : { parent: summary.parent }),
  };
}

export function messageToJson(message: Message) {
  return {
    id: message.id,
    turn_id: message.turnId,
    role: message.role,
    content: textOf(message.parts),
    ...(isPlainText(message.parts) ? {} : { parts: message.parts.map(partToJson) }),
    created_at: timeToJson(message.createdAtMs),
    ...(message.truncated ? { truncated: true } : {}),
  };
}

export function turnToJson(record: AnsweredTurn) {
  return {
    turn_id: record.turnId,
    session_id: record.conversationId,
    status: record.status,
    attempt: record.attempt,
    position: record.position,
    reply: record.reply && textOf(record.reply),
    kept: record.kept,
    finish_reason: record.finishReason,
    usage: usageToJson(record.usage),
    error: record.failure && failureToJson(record.failure),
    created_at: timeToJson(record.createdAtMs),
    started_at: record.startedAtMs === null ? null : timeToJson(record.startedAtMs),
    ended_at: record.endedAtMs === null ? null : timeToJson(record.endedAtMs),
  };
}

export function timeToJson(ms: number): string {
  return new Date(ms).toISOString();
}

/** Where a turn can be followed, on any replica. */
export function streamUrl(conversationId: string, turnId: string): string {
  return `/api/sessions/${encodeURIComponent(conversationId)}/turns/${turnId}/stream`;
}
