import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Message as StoredMessage } from '../../conversation/session.ts';
import { ANONYMOUS_OWNER, type SessionSummary } from '../../conversation/session.ts';
import { TurnwiseError } from '../../errors.ts';
import type { HttpDeps } from '../http-deps.ts';
import {
  Deleted,
  ERROR_REPLIES,
  ListQuery,
  type Message,
  MessageList,
  MessagesQuery,
  RenameBody,
  Session,
  SessionList,
  SessionParams,
} from '../schemas.ts';
import { sessionOf, wireTime } from '../wire.ts';

const DEFAULT_LIMIT = 100;

/** `/api/sessions`: list, read, rename, delete; the history of one. */
export function sessionRoutes(deps: HttpDeps): FastifyPluginAsyncTypebox {
  const { sessions } = deps.turns;
  return async (app) => {
    app.get(
      '/api/sessions',
      {
        schema: {
          summary: 'Live sessions, newest access first',
          tags: ['sessions'],
          querystring: ListQuery,
          response: { 200: SessionList, ...ERROR_REPLIES },
        },
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const page = await sessions.list(ANONYMOUS_OWNER, Number(limit ?? DEFAULT_LIMIT), cursor ?? null);
        return { sessions: page.sessions.map(wireSession), total: page.total, next_cursor: page.nextCursor };
      },
    );

    app.get(
      '/api/sessions/:id',
      {
        schema: {
          summary: 'One session',
          tags: ['sessions'],
          params: SessionParams,
          response: { 200: Session, ...ERROR_REPLIES },
        },
      },
      async (request) => wireSession(found(await sessions.summary(sessionOf(request.params.id)))),
    );

    app.patch(
      '/api/sessions/:id',
      {
        schema: {
          summary: 'Set the title',
          tags: ['sessions'],
          params: SessionParams,
          body: RenameBody,
          response: { 200: Session, ...ERROR_REPLIES },
        },
      },
      async (request) => {
        const { title } = request.body;
        if (!title.isWellFormed()) {
          throw new TurnwiseError('invalid_request', { message: 'title holds a lone surrogate' });
        }
        return wireSession(found(await sessions.rename(sessionOf(request.params.id), title)));
      },
    );

    app.delete(
      '/api/sessions/:id',
      {
        schema: {
          summary: 'Delete a session; its running and waiting turns end',
          tags: ['sessions'],
          params: SessionParams,
          response: { 200: Deleted, ...ERROR_REPLIES },
        },
      },
      async (request) => {
        const wasThere = await sessions.remove(sessionOf(request.params.id));
        if (!wasThere) throw new TurnwiseError('session_not_found');
        return { message: '会话已删除', session_id: request.params.id };
      },
    );

    app.get(
      '/api/sessions/:id/messages',
      {
        schema: {
          summary: 'Committed messages, oldest first',
          tags: ['sessions'],
          params: SessionParams,
          querystring: MessagesQuery,
          response: { 200: MessageList, ...ERROR_REPLIES },
        },
      },
      async (request) => {
        const { limit, before } = request.query;
        const session = sessionOf(request.params.id);
        const page = found(await sessions.messages(session, Number(limit ?? DEFAULT_LIMIT), before ?? null));
        return { messages: page.messages.map(wireMessage), has_more: page.hasMore };
      },
    );
  };
}

function found<T>(value: T | null): T {
  if (value === null) throw new TurnwiseError('session_not_found');
  return value;
}

function wireSession(summary: SessionSummary): Session {
  return {
    session_id: summary.conversationId,
    title: summary.title,
    created_at: wireTime(summary.createdAtMs),
    last_accessed: wireTime(summary.lastAccessedMs),
    expires_at: wireTime(summary.expiresAtMs),
    message_count: summary.messageCount,
  };
}

function wireMessage(message: StoredMessage): Message {
  return {
    id: message.id,
    turn_id: message.turnId,
    role: message.role,
    content: message.content,
    created_at: wireTime(message.createdAtMs),
    ...(message.truncated ? { truncated: true } : {}),
  };
}
