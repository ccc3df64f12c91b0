import { createHash } from 'node:crypto';
import type { OnBusy } from './turn.ts';

/** A request that may be sent again: under which key, and how to tell that it is the same. */
export interface Repeat {
  readonly keyHash: string;
  readonly requestHash: string;
  /** What is kept under the key: the turn and the request it belongs to. */
  valueFor(turnId: string): string;
}

/** @returns null when the caller sent no Idempotency-Key */
export function idempotencyOf(
  request: {
    readonly idempotencyKey: string | null;
    readonly message: string;
    readonly onBusy: OnBusy | null;
  },
  defaultOnBusy: OnBusy,
): Repeat | null {
  if (request.idempotencyKey === null) return null;
  const requestHash = hash(JSON.stringify([request.message, request.onBusy ?? defaultOnBusy]));
  return {
    keyHash: hash(request.idempotencyKey),
    requestHash,
    valueFor: (turnId) => `${turnId} ${requestHash}`,
  };
}

export function readIdempotencyValue(value: string): { turnId: string; requestHash: string } | null {
  const [turnId, requestHash, ...more] = value.split(' ');
  return turnId === undefined || requestHash === undefined || more.length > 0
    ? null
    : { turnId, requestHash };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
