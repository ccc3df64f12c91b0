import type { FastifyRequest } from 'fastify';
import { sessionOf } from '../../conversation/caller.ts';
import { ON_BUSY, type OnBusy, type TurnRef } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import { callerOf } from '../callers.ts';
import { admit, idempotencyKeyOf } from '../door/admit.ts';
import type { HttpDeps } from '../http-deps.ts';
import type { Echo } from './echo.ts';
import { refused } from './fields.ts';
import { responseId } from './ids.ts';
import { parseRequest } from './parse-request.ts';
import type { ResponseHead } from './response-object.ts';
import { RESPONSES } from './responses-dialect.ts';

/** A response that was admitted, and how its client wants to have it. */
export interface BegunResponse {
  readonly turn: TurnRef;
  readonly head: ResponseHead;
  readonly isStream: boolean;
}

/** Reads a request for a response, and admits its turn. @throws as admit; invalid_request with the field at fault */
export async function beginResponse(
  deps: Pick<HttpDeps, 'conversations' | 'rate' | 'settings'>,
  request: FastifyRequest,
): Promise<BegunResponse> {
  const caller = callerOf(request);
  const asked = parseRequest(request.body, deps.settings.model);
  const { conversationId, echo } = asked;
  refuseMissing(asked.references[0]?.path ?? null, 'an item_reference names no item that is kept here');
  refuseMissing(
    asked.previousResponseId && 'previous_response_id',
    'previous_response_id is not supported yet',
  );
  refuseMissing(echo.store ? null : 'store', 'a response that is not stored is not supported yet');
  const idempotencyKey = idempotencyKeyOf(request);
  if (idempotencyKey !== null && conversationId === null) {
    throw refused('conversation', 'with an Idempotency-Key, conversation may not be left out');
  }
  // A conversation that does not exist is a mistake here: where it is left out, one is made.
  if (conversationId !== null) await deps.conversations.session(sessionOf(caller, conversationId));
  // A background response is asked for again later, so nobody need be connected.
  const onDisconnect = echo.background ? null : RESPONSES.onDisconnect;
  const { turn, isRepeat } = await admit(deps, { door: RESPONSES.door, onDisconnect }, caller, {
    ...{ conversationId, idempotencyKey },
    input: asked.input,
    onBusy: onBusyOf(request),
    model: asked.model,
    options: asked.options,
  });
  const createdAtMs = isRepeat ? (await deps.conversations.find(turn)).createdAtMs : Date.now();
  return { turn, head: headOf(turn, createdAtMs, echo), isStream: asked.isStream };
}

export function headOf(turn: TurnRef, createdAtMs: number, echo: Echo): ResponseHead {
  const { conversationId } = turn.session;
  return { id: responseId({ conversationId, turnId: turn.turnId }), createdAtMs, echo };
}

function refuseMissing(param: string | null, message: string): void {
  if (param !== null) throw refused(param, message);
}

/** What the request does while its conversation is busy: refused, unless a header asks for more. */
function onBusyOf(request: FastifyRequest): OnBusy {
  const given = request.headers['x-on-busy'];
  if (given === undefined) return 'reject';
  const known = ON_BUSY.find((one) => one === given);
  if (known === undefined) {
    throw new TurnwiseError('invalid_request', { message: `X-On-Busy must be one of ${ON_BUSY.join(', ')}` });
  }
  return known;
}
