import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CountTurn, Submitted } from '../../conversation/admit/submit-turn.ts';
import { type Caller, sessionOf } from '../../conversation/caller.ts';
import type { Input } from '../../conversation/input.ts';
import type { TurnRate } from '../../conversation/ports/sessions.ts';
import type { OnBusy, TurnOptions, TurnRef } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import type { HttpDeps } from '../http-deps.ts';
import type { Dialect } from './dialect.ts';

/** What a request asks for, once its door has parsed it. */
export interface AskedTurn {
  /** null: a new conversation. */
  readonly conversationId: string | null;
  readonly input: Input;
  readonly sent?: Input;
  readonly onBusy: OnBusy | null;
  readonly model: string | null;
  readonly options: TurnOptions;
  readonly echo?: string;
  readonly follows?: string | null;
  readonly idempotencyKey: string | null;
}

/** Admits a turn, from any door and transport. @throws as submitTurn; invalid_request, rate_limited */
export async function admit(
  { conversations, rate }: Pick<HttpDeps, 'conversations' | 'rate'>,
  { door, onDisconnect }: Pick<Dialect, 'door' | 'onDisconnect'>,
  caller: Caller,
  { conversationId, ...asked }: AskedTurn,
): Promise<Submitted> {
  if (asked.idempotencyKey !== null && conversationId === null) {
    const message = 'with an Idempotency-Key, conversation_id may not be left out';
    throw new TurnwiseError('invalid_request', { message });
  }
  // 122 random bits: a conversation cannot be found by guessing.
  const session = sessionOf(caller, conversationId ?? randomUUID());
  const request = {
    echo: '',
    follows: null,
    ...asked,
    session,
    ownerAsGiven: caller.ownerAsGiven,
    door,
    onDisconnect,
  };
  return conversations.submit(request, counting(rate, caller));
}

/** Counts a turn of a caller, where turns are limited. */
export function counting(rate: TurnRate | null, caller: Caller): CountTurn | null {
  return rate && (() => count(rate, caller));
}

async function count(rate: TurnRate, caller: Caller): Promise<void> {
  const waitSeconds = await rate.take(caller.limitKey);
  if (waitSeconds > 0) throw new TurnwiseError('rate_limited', { retryAfterSeconds: waitSeconds });
}

/** @returns null when the caller sent none. @throws invalid_request */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const [key, ...more] = request.raw.headersDistinct['idempotency-key'] ?? [];
  // Node joins two such headers into one value, which no client sent.
  if (more.length > 0)
    throw new TurnwiseError('invalid_request', { message: 'Idempotency-Key must be sent once' });
  return key ?? null;
}

/** Before the first byte of the body, so that the client can find its turn again. */
export function announce(reply: FastifyReply, { session, turnId }: TurnRef): void {
  reply.header('x-session-id', session.conversationId);
  reply.header('x-turn-id', turnId);
}
