import { createHash } from 'node:crypto';
import { TurnwiseError } from '../../errors.ts';
import { partToJson } from '../parts.ts';
import type { Exists, KeyUse } from '../ports/admission.ts';
import type { Uses } from '../ports/core.ts';
import type { SessionRef } from '../session.ts';
import { hasEnded, type OnBusy, type TurnRecord, type TurnRef } from '../turn.ts';
import { confirmRepeat } from './confirm.ts';
import type { TurnRequest } from './turn-request.ts';

/** A request that may be sent again: its key, and a hash by which a repeat is recognised. */
export interface Repeat {
  readonly keyHash: string;
  readonly requestHash: string;
}

/** @returns null when the caller sent no Idempotency-Key */
export function repeatOf(request: TurnRequest, defaultOnBusy: OnBusy): Repeat | null {
  if (request.idempotencyKey === null) return null;
  const { input, sent, onBusy, model, options } = request;
  // By the time of a repeat the history may have moved on, and less of what was sent be new.
  const { history, ...others } = options;
  const body = [
    (sent ?? input).map(({ role, parts }) => [role, ...parts.map(partToJson)]),
    onBusy ?? defaultOnBusy,
    model,
    sent === undefined ? options : others,
  ];
  return { keyHash: hash(request.idempotencyKey), requestHash: hash(JSON.stringify(body)) };
}

/** What is stored under the key of a request, for the turn that it becomes or joins. */
export function keyUseOf(repeat: Repeat | null, turnId: string, replaces: string | null): KeyUse | null {
  if (repeat === null) return null;
  return { keyHash: repeat.keyHash, value: `${turnId} ${repeat.requestHash}`, replaces };
}

/**
 * The turn behind an Idempotency-Key that was used before.
 *
 * @returns its turn, which is confirmed from now on; null when the message may run anew
 * @throws idempotency_mismatch, redis_unavailable. commit_unknown: whether it was accepted is not known
 */
export async function earlierTurn(
  ports: Uses<'store' | 'admission'>,
  session: SessionRef,
  repeat: Repeat,
  { value, isAcknowledged }: Exists,
): Promise<TurnRef | null> {
  const [turnId, requestHash, ...more] = value.split(' ');
  if (turnId === undefined || requestHash === undefined || more.length > 0) return null;
  if (requestHash !== repeat.requestHash) throw new TurnwiseError('idempotency_mismatch');
  const turn = { session, turnId };
  const stored = await ports.store.find(turn);
  if (stored === null || runsAnew(stored.record)) return null;
  if (isAcknowledged || hasEnded(stored.record.status)) return turn;
  // The first request may have been refused, and its replica be about to revoke the message.
  if (await confirmRepeat(ports, turn, { keyHash: repeat.keyHash, value, replaces: null })) return turn;
  const ended = await ports.store.find(turn);
  return ended === null || !hasEnded(ended.record.status) || runsAnew(ended.record) ? null : turn;
}

/** It failed for a reason that may pass. */
function runsAnew({ status, failure }: TurnRecord): boolean {
  return status === 'failed' && failure?.retryable === true;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
