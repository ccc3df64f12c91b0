import { type Caller, sessionOf } from '../../conversation/caller.ts';
import { isAnswer, type Message, type Receipt } from '../../conversation/session.ts';
import { type AnsweredTurn, hasEnded, type TurnRef } from '../../conversation/turn.ts';
import { hasCode, TurnwiseError } from '../../errors.ts';
import type { HttpDeps } from '../http-deps.ts';
import { headOf } from './begin-response.ts';
import { collectResponse } from './collect-response.ts';
import { decodeEcho } from './echo.ts';
import { parseResponseId } from './ids.ts';
import { incompleteReason, type ResponseHead, type ResponseJson, responseToJson } from './response-object.ts';
import { storedItems } from './stored-items.ts';

type FindDeps = Pick<HttpDeps, 'conversations' | 'settings'>;

/** A response that was asked for earlier, here or elsewhere. */
export interface FoundResponse {
  readonly turn: TurnRef;
  readonly head: ResponseHead;
  /** null: only what is kept with the history is left of it. */
  readonly record: AnsweredTurn | null;
  /** What the history holds of it; empty while it runs, or when nothing was kept. */
  readonly messages: readonly Message[];
}

/** @throws turn_not_found: there is no such response of this caller, or it was deleted */
export async function findResponse(deps: FindDeps, caller: Caller, id: string): Promise<FoundResponse> {
  const place = parseResponseId(id);
  if (place === null) throw new TurnwiseError('turn_not_found');
  const turn: TurnRef = { session: sessionOf(caller, place.conversationId), turnId: place.turnId };
  const record = await orNull(deps.conversations.find(turn));
  const isKept = record === null || record.kept === true;
  const messages = isKept ? ((await orNull(deps.conversations.turnMessages(turn))) ?? []) : [];
  // What a response shows of its request is deleted with the receipt, which the record may outlive.
  const text = isKept ? receiptIn(messages)?.echo : record.echo;
  const stored = text === undefined ? null : decodeEcho(text);
  if (stored === null) throw new TurnwiseError('turn_not_found');
  return { turn, head: headOf(deps, turn, stored), record, messages };
}

/**
 * A response as it is now. Its output is there once it has ended: from the log while that is kept, later from the history.
 *
 * @returns null when the client has left
 */
export async function responseNow(
  deps: FindDeps,
  { turn, head, record, messages }: FoundResponse,
  signal: AbortSignal,
): Promise<ResponseJson | null> {
  if (record === null) return responseFrom(turn, head, messages);
  if (!hasEnded(record.status)) {
    return responseToJson(head, unfinished(record.status === 'queued' ? 'queued' : 'in_progress'));
  }
  const endedAtMs = () => record.endedAtMs ?? record.createdAtMs;
  const source = deps.conversations.source(turn);
  return (await collectResponse(source, head, signal, endedAtMs))?.response ?? null;
}

export function unfinished(status: 'queued' | 'in_progress') {
  return { status, output: [], endedAtMs: null, reason: null, failure: null, usage: null };
}

function responseFrom({ session }: TurnRef, head: ResponseHead, messages: readonly Message[]): ResponseJson {
  const receipt = receiptIn(messages);
  const answer = messages.filter(isAnswer);
  const isCut = answer.some(({ truncated }) => truncated);
  const reason = incompleteReason(receipt?.finishReason ?? 'stop');
  return responseToJson(head, {
    status: isCut ? 'cancelled' : reason === null ? 'completed' : 'incomplete',
    output: storedItems(session, answer, head.echo.reasoning.summary === null ? 'reasoning' : 'summary').map(
      ({ json }) => json,
    ),
    endedAtMs: receipt?.endedAtMs ?? null,
    reason: isCut ? null : reason,
    failure: null,
    usage: receipt?.usage ?? null,
  });
}

function receiptIn(messages: readonly Message[]): Receipt | undefined {
  return messages.find(({ receipt }) => receipt !== undefined)?.receipt;
}

async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (hasCode(error, 'turn_not_found')) return null;
    throw error;
  }
}
