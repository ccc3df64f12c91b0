import type { FastifyRequest } from 'fastify';
import type { Caller } from '../../conversation/caller.ts';
import type { Input } from '../../conversation/input.ts';
import type { TurnSource } from '../../conversation/read/turn-source.ts';
import type { SessionRef } from '../../conversation/session.ts';
import type { TurnOptions, TurnRef } from '../../conversation/turn.ts';
import { hasCode } from '../../errors.ts';
import { callerOf } from '../callers.ts';
import { admit, counting, idempotencyKeyOf } from '../door/admit.ts';
import type { HttpDeps } from '../http-deps.ts';
import { decodeEcho, encodeEcho, type StoredEcho } from './echo.ts';
import { previousNotFound } from './error-table.ts';
import { refused } from './fields.ts';
import { parseResponseId, responseId } from './ids.ts';
import { onBusyOf } from './on-busy.ts';
import { parseRequest, type ResponseRequest } from './parse-request.ts';
import { type Place, placeOf } from './place.ts';
import { withReferences } from './references.ts';
import type { ResponseHead } from './response-object.ts';
import { RESPONSES } from './responses-dialect.ts';

/** A response that was admitted, and how its client wants to have it. */
export interface BegunResponse {
  readonly source: TurnSource;
  readonly head: ResponseHead;
  readonly isStream: boolean;
  /** Whether it can be found again. */
  readonly isStored: boolean;
  /** What it was asked; of one that is not stored, with all that it continues. */
  readonly input: Input;
}

type BeginDeps = Pick<HttpDeps, 'conversations' | 'rate' | 'settings'>;

/**
 * Reads a request for a response, and admits its turn.
 *
 * @param body   what asks for it
 * @param chain  finds what a response that is not stored was asked and answered, where that is remembered
 * @throws as admit; invalid_request with the field at fault
 */
export async function beginResponse(
  deps: BeginDeps,
  request: FastifyRequest,
  body: unknown,
  chain: (responseId: string) => Input | null = () => null,
): Promise<BegunResponse> {
  const caller = callerOf(request);
  const parsed = parseRequest(body, deps.settings.model);
  const asked = { ...parsed, input: await withReferences(deps, caller, parsed.input, parsed.references) };
  const { previousResponseId: previous } = asked;
  const before = previous === null || asked.echo.store ? null : chain(previous);
  if (before !== null) {
    return begunUnstored(deps, caller, { ...asked, input: [...before, ...asked.input] }, null);
  }
  const place = await placeOf(deps, request, caller, asked);
  if (!asked.echo.store && previous !== null) await checkLast(deps, previous, place.session);
  if (!asked.echo.store) return begunUnstored(deps, caller, asked, place.session);
  const options = await optionsOf(deps, asked, place);
  if (options === null) return begunUnstored(deps, caller, asked, null);
  const idempotencyKey = idempotencyKeyOf(request);
  if (idempotencyKey !== null && place.session === null) {
    throw refused('conversation', 'with an Idempotency-Key, conversation may not be left out');
  }
  const stored: StoredEcho = { createdAtMs: Date.now(), echo: asked.echo };
  // A background response is asked for again later, so nobody need be connected.
  const onDisconnect = asked.echo.background ? null : RESPONSES.onDisconnect;
  const { turn, isRepeat } = await admit(deps, { door: RESPONSES.door, onDisconnect }, caller, {
    ...{ conversationId: place.session?.conversationId ?? null, follows: place.follows },
    ...{ input: options.input, options: options.options, model: asked.model },
    ...{ onBusy: onBusyOf(request, 'reject'), echo: encodeEcho(stored), idempotencyKey },
  }).catch((error: unknown) => {
    throw place.follows !== null && hasCode(error, 'turn_not_found')
      ? previousNotFound(asked.previousResponseId ?? '')
      : error;
  });
  const first = isRepeat ? decodeEcho((await deps.conversations.find(turn)).echo) : null;
  return {
    source: deps.conversations.source(turn),
    head: headOf(deps, turn, first ?? stored),
    ...{ isStream: asked.isStream, isStored: true, input: asked.input },
  };
}

export function headOf(
  { settings }: Pick<HttpDeps, 'settings'>,
  { session, turnId }: TurnRef,
  { createdAtMs, echo }: StoredEcho,
): ResponseHead {
  const id = responseId({ conversationId: session.conversationId, turnId });
  return { id, createdAtMs, echo, storesReasoning: settings.storesReasoning };
}

/** What is new in the request, and what its turn does with the history; null: it is answered and not stored. */
async function optionsOf(
  { conversations }: BeginDeps,
  { input, options }: ResponseRequest,
  { session, isResent }: Place,
): Promise<{ readonly input: Input; readonly options: TurnOptions } | null> {
  if (session === null || !isResent) return { input, options };
  const extension = await conversations.extend(session, input);
  if (extension.kind === 'unrelated') return null;
  return { input: extension.input, options: { ...options, history: extension.history } };
}

async function begunUnstored(
  deps: BeginDeps,
  caller: Caller,
  { input, model, options, echo, isStream }: ResponseRequest,
  history: SessionRef | null,
): Promise<BegunResponse> {
  if (echo.background) throw refused('background', 'a background response must be stored');
  const request = { owner: caller.owner, history, input, model, options, door: RESPONSES.door };
  const source = await deps.conversations.unstored(request, counting(deps.rate, caller));
  const stored = { createdAtMs: Date.now(), echo: { ...echo, store: false } };
  return { source, head: headOf(deps, source.turn, stored), isStream, isStored: false, input };
}

/** A response that is not stored reads the history as it is, so it can continue only the last one. */
async function checkLast(
  { conversations }: BeginDeps,
  id: string,
  session: SessionRef | null,
): Promise<void> {
  const page = session && (await conversations.messages(session, 1, null).catch(() => null));
  const last = page?.messages.at(-1)?.turnId;
  if (last === undefined) throw previousNotFound(id);
  if (last !== parseResponseId(id)?.turnId) {
    throw refused(
      'previous_response_id',
      'with store false, only the last response of a conversation can be continued',
    );
  }
}
