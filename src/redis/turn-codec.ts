import type { StoredTurn } from '../conversation/ports.ts';
import type { SessionRef } from '../conversation/session.ts';
import { TURN_STATUSES, type TurnStatus } from '../conversation/turn.ts';
import { asUsage, failureOf } from './event-codec.ts';
import { corrupt, parseObject } from './message-codec.ts';
import { LAST_TIME_MS, wholeNumber } from './whole-number.ts';

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
  const createdAtMs = wholeNumber(fields.created_at, LAST_TIME_MS);
  const attempt = wholeNumber(fields.attempt ?? '0');
  // Each message that joined is a field of its own: a greater number was written by nobody of ours.
  const joined = wholeNumber(fields.joined ?? '0', Object.keys(fields).length);
  if (
    status === undefined ||
    createdAtMs === null ||
    fields.message === undefined ||
    attempt === null ||
    joined === null
  ) {
    throw corrupt(session, `the record of turn ${turnId} cannot be read`);
  }
  const joiners = Array.from({ length: joined }, (_, index) => index + 1);
  return {
    idempotencyHashes: ['idem', ...joiners.map((number) => `idem:${number}`)].flatMap(
      (name) => fields[name] ?? [],
    ),
    replica: fields.replica ?? '',
    userMessages: [fields.message, ...joiners.map((number) => fields[`message:${number}`] ?? '')].filter(
      (message) => message !== '',
    ),
    record: {
      turnId,
      conversationId: session.conversationId,
      status,
      attempt,
      position: status === 'queued' ? position : null,
      reply,
      kept: isOver(status) ? fields.kept === '1' : null,
      finishReason: fields.finish_reason ?? null,
      usage: asUsage(parseObject(fields.usage ?? '')),
      failure: failureOf(fields.error),
      messageCount: wholeNumber(fields.message_count),
      createdAtMs,
      startedAtMs: wholeNumber(fields.started_at, LAST_TIME_MS),
      endedAtMs: wholeNumber(fields.ended_at, LAST_TIME_MS),
    },
  };
}

function isOver(status: TurnStatus): boolean {
  return status === 'completed' || status === 'cancelled' || status === 'failed';
}
