import type { StoredTurn } from '../conversation/ports.ts';
import type { SessionRef } from '../conversation/session.ts';
import { TURN_STATUSES, type TurnStatus } from '../conversation/turn.ts';
import { asUsage, failureOf } from './event-codec.ts';
import { corrupt, parseObject } from './message-codec.ts';

/** Fields of a turn's hash, as a reader finds them. */
export type TurnFields = Readonly<Record<string, string>>;

/**
 * @param position  turns ahead, while it waits
 * @param reply     what history holds of its answer
 * @throws corrupt_session
 */
export function decodeTurn(
  session: SessionRef,
  turnId: string,
  fields: TurnFields,
  position: number | null,
  reply: string | null,
): StoredTurn {
  const status = TURN_STATUSES.find((known) => known === fields.status);
  const createdAtMs = time(fields.created_at);
  if (status === undefined || createdAtMs === null || fields.message === undefined) {
    throw corrupt(session, `the record of turn ${turnId} cannot be read`);
  }
  const joined = Number(fields.joined ?? '0');
  return {
    idempotencyHash: fields.idem ?? null,
    replica: fields.replica ?? '',
    userMessages: [
      fields.message,
      ...Array.from({ length: joined }, (_, index) => fields[`message:${index + 1}`] ?? ''),
    ].filter((message) => message !== ''),
    record: {
      turnId,
      conversationId: session.conversationId,
      status,
      attempt: Number(fields.attempt ?? '0'),
      position: status === 'queued' ? position : null,
      reply,
      kept: isOver(status) ? fields.kept === '1' : null,
      finishReason: fields.finish_reason ?? null,
      usage: asUsage(parseObject(fields.usage ?? '')),
      failure: failureOf(fields.error),
      messageCount: fields.message_count === undefined ? null : Number(fields.message_count),
      createdAtMs,
      startedAtMs: time(fields.started_at),
      endedAtMs: time(fields.ended_at),
    },
  };
}

function isOver(status: TurnStatus): boolean {
  return status === 'completed' || status === 'cancelled' || status === 'failed';
}

function time(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : null;
}
