import type { FastifyRequest } from 'fastify';
import { type Caller, sessionOf } from '../../conversation/caller.ts';
import type { SessionRef } from '../../conversation/session.ts';
import { sessionHeaderOf } from '../door/session-header.ts';
import type { HttpDeps } from '../http-deps.ts';
import { previousNotFound } from './error-table.ts';
import { refused } from './fields.ts';
import { parseResponseId } from './ids.ts';
import type { ResponseRequest } from './parse-request.ts';

/** Where a response belongs. */
export interface Place {
  /** null: a new conversation. */
  readonly session: SessionRef | null;
  /** The turn that it continues. */
  readonly follows: string | null;
  /** Its client sends the whole history each time. */
  readonly isResent: boolean;
}

/** @throws conversation_not_found, previous_response_not_found; invalid_request: the ids do not agree */
export async function placeOf(
  { conversations, settings }: Pick<HttpDeps, 'conversations' | 'settings'>,
  request: FastifyRequest,
  caller: Caller,
  { conversationId, previousResponseId }: Pick<ResponseRequest, 'conversationId' | 'previousResponseId'>,
): Promise<Place> {
  const inHeader = sessionHeaderOf(request, settings.sessionHeaders);
  const previous = previousResponseId === null ? null : parseResponseId(previousResponseId);
  if (previousResponseId !== null && previous === null) throw previousNotFound(previousResponseId);
  const named = conversationId ?? previous?.conversationId ?? null;
  if (named !== null && inHeader !== null && named !== inHeader) {
    throw refused(
      conversationId === null ? 'previous_response_id' : 'conversation',
      'a header names another session',
    );
  }
  if (named === null && inHeader !== null) {
    return { session: sessionOf(caller, inHeader), follows: null, isResent: true };
  }
  const session = named === null ? null : sessionOf(caller, named);
  // A conversation that does not exist is a mistake here: where it is left out, one is made.
  if (session !== null && conversationId !== null) await conversations.session(session);
  return { session, follows: previous?.turnId ?? null, isResent: false };
}
