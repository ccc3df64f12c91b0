import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Caller, sessionOf } from '../../conversation/caller.ts';
import type { Input } from '../../conversation/input.ts';
import type { SessionRef, SessionSummary } from '../../conversation/session.ts';
import { TurnwiseError } from '../../errors.ts';
import { callerOf } from '../callers.ts';
import { clientLeft } from '../client-left.ts';
import { ADMISSION_ERRORS, ANSWER_ERRORS } from '../door/error-codes.ts';
import type { HttpDeps } from '../http-deps.ts';
import { changeHistory } from './change-history.ts';
import { responseErrors } from './error-schemas.ts';
import { Fields, refused } from './fields.ts';
import { listOf, readListQuery } from './lists.ts';
import { parseInput } from './parse-input.ts';
import { metadataIn } from './parse-request.ts';
import { Conversation, ConversationList, DeletedConversation } from './reply-schemas.ts';
import { ConversationParams, CreateConversation, ListQuery, UpdateConversation } from './request-schemas.ts';

const CREATED = new Set(['items', 'metadata']);
const UPDATED = new Set(['metadata']);

/** Most items that one request adds. */
const MOST_ITEMS = 20;

/** `/v1/conversations`: a conversation is a session. */
export function conversationRoutes(deps: HttpDeps): FastifyPluginAsyncTypebox {
  const { conversations } = deps;
  return async (app) => {
    app.post(
      '/v1/conversations',
      {
        schema: {
          summary: 'Create a conversation, perhaps with items',
          tags: ['conversations'],
          body: CreateConversation,
          response: { 200: Conversation, ...responseErrors([...ADMISSION_ERRORS, ...ANSWER_ERRORS]) },
        },
      },
      async (request, reply) => {
        const body = new Fields(request.body ?? {}, '');
        body.only(CREATED);
        const metadata = metadataIn(body) ?? {};
        const input = body.list('items')?.length ? itemsIn(body) : [];
        const caller = callerOf(request);
        // 122 random bits: a conversation cannot be found by guessing.
        const session = sessionOf(caller, `conv_${randomUUID().replaceAll('-', '')}`);
        const created = await conversations.create(session, caller.ownerAsGiven, metadata);
        if (input.length === 0) return conversationToJson(created);
        const isDone = await changeHistory(
          deps,
          caller,
          session,
          { kind: 'append' },
          input,
          clientLeft(reply),
        );
        return isDone === null ? reply.hijack() : conversationToJson(created);
      },
    );

    app.get(
      '/v1/conversations',
      {
        schema: {
          summary: 'Conversations, by their last access',
          tags: ['conversations'],
          querystring: ListQuery,
          response: { 200: ConversationList, ...responseErrors(['session_not_found']) },
        },
      },
      async (request) => {
        const { limit, order, after } = readListQuery(request.query);
        const caller = callerOf(request);
        const cursor =
          after === null ? null : await conversations.cursorOf(namedSession(caller, after, 'after'));
        const byAge = order === 'asc' ? 'oldest-first' : 'newest-first';
        const page = await conversations.sessions(caller, limit, cursor, byAge);
        const data = page.sessions.map((summary) => ({
          id: summary.conversationId,
          json: conversationToJson(summary),
        }));
        return listOf(data, page.nextCursor !== null);
      },
    );

    app.get(
      '/v1/conversations/:conversation_id',
      {
        schema: {
          summary: 'One conversation',
          tags: ['conversations'],
          params: ConversationParams,
          response: { 200: Conversation, ...responseErrors(['session_not_found']) },
        },
      },
      async (request) => {
        const session = namedSession(callerOf(request), request.params.conversation_id);
        return conversationToJson(await conversations.session(session));
      },
    );

    app.post(
      '/v1/conversations/:conversation_id',
      {
        schema: {
          summary: 'Replace the metadata of a conversation',
          tags: ['conversations'],
          params: ConversationParams,
          body: UpdateConversation,
          response: {
            200: Conversation,
            ...responseErrors(['session_not_found', 'unsupported_media_type', 'too_large', 'storage_full']),
          },
        },
      },
      async (request) => {
        const body = new Fields(request.body, '');
        body.only(UPDATED);
        const session = namedSession(callerOf(request), request.params.conversation_id);
        return conversationToJson(await conversations.annotate(session, metadataIn(body) ?? {}));
      },
    );

    app.delete(
      '/v1/conversations/:conversation_id',
      {
        schema: {
          summary: 'Delete a conversation; its running and waiting responses end',
          tags: ['conversations'],
          params: ConversationParams,
          response: { 200: DeletedConversation, ...responseErrors(['session_not_found']) },
        },
      },
      async (request) => {
        const { conversation_id: id } = request.params;
        await conversations.remove(namedSession(callerOf(request), id));
        return { id, object: 'conversation.deleted' as const, deleted: true as const };
      },
    );
  };
}

export function conversationToJson({ conversationId, createdAtMs, metadata }: SessionSummary) {
  return {
    id: conversationId,
    object: 'conversation' as const,
    created_at: Math.floor(createdAtMs / 1000),
    metadata,
  };
}

/** The session that a caller means. @throws session_not_found: also for what cannot be an id */
export function namedSession(caller: Caller, id: string, param = 'conversation'): SessionRef {
  try {
    return sessionOf(caller, id);
  } catch (cause) {
    throw new TurnwiseError('session_not_found', { cause, details: { param } });
  }
}

/** The items that a request adds to a conversation. @throws invalid_request */
export function itemsIn(body: Fields): Input {
  const { input, instructions, references } = parseInput(body, 'items');
  if ((body.list('items')?.length ?? 0) > MOST_ITEMS) {
    throw refused('items', `items must have at most ${MOST_ITEMS} items`);
  }
  if (instructions.length > 0)
    throw refused('items', 'instructions are not kept: send them with each response');
  if (references.length > 0) throw refused('items', 'an item_reference cannot be kept');
  return input;
}
