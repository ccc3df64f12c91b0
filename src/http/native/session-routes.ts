import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { sessionOf } from '../../conversation/caller.ts';
import type { SessionRef } from '../../conversation/session.ts';
import { callerOf } from '../callers.ts';
import type { HttpDeps } from '../http-deps.ts';
import { errorReplies } from './error-schemas.ts';
import {
  Deleted,
  ListQuery,
  MessageList,
  MessagesQuery,
  RenameBody,
  Session,
  SessionList,
  SessionParams,
} from './schemas.ts';
import { messageToJson, sessionToJson } from './wire.ts';

const DEFAULT_LIMIT = 100;

const ONE_SESSION = ['session_not_found', 'corrupt_session'] as const;

/** `/api/sessions`: list, read, rename, delete; the history of one. */
export function sessionRoutes({ conversations }: HttpDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/api/sessions',
      {
        schema: {
          summary: 'Live sessions, newest access first',
          tags: ['sessions'],
          querystring: ListQuery,
          response: { 200: SessionList, ...errorReplies() },
        },
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const page = await conversations.sessions(
          callerOf(request),
          Number(limit ?? DEFAULT_LIMIT),
          cursor ?? null,
        );
        return {
          sessions: page.sessions.map(sessionToJson),
          total: page.total,
          next_cursor: page.nextCursor,
        };
      },
    );

    app.get(
      '/api/sessions/:id',
      {
        schema: {
          summary: 'One session',
          tags: ['sessions'],
          params: SessionParams,
          response: { 200: Session, ...errorReplies(...ONE_SESSION) },
        },
      },
      async (request) => sessionToJson(await conversations.session(sessionIn(request, request.params))),
    );

    app.patch(
      '/api/sessions/:id',
      {
        schema: {
          summary: 'Set the title',
          tags: ['sessions'],
          params: SessionParams,
          body: RenameBody,
          response: {
            200: Session,
            ...errorReplies('too_large', 'unsupported_media_type', 'storage_full', ...ONE_SESSION),
          },
        },
      },
      async (request) =>
        sessionToJson(await conversations.rename(sessionIn(request, request.params), request.body.title)),
    );

    app.delete(
      '/api/sessions/:id',
      {
        schema: {
          summary: 'Delete a session; its running and waiting turns end',
          tags: ['sessions'],
          params: SessionParams,
          response: { 200: Deleted, ...errorReplies(...ONE_SESSION) },
        },
      },
      async (request) => {
        await conversations.remove(sessionIn(request, request.params));
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
          response: { 200: MessageList, ...errorReplies(...ONE_SESSION) },
        },
      },
      async (request) => {
        const { limit, before } = request.query;
        const session = sessionIn(request, request.params);
        const page = await conversations.messages(session, Number(limit ?? DEFAULT_LIMIT), before ?? null);
        return { messages: page.messages.map(messageToJson), has_more: page.hasMore };
      },
    );
  };
}

function sessionIn(request: FastifyRequest, params: SessionParams): SessionRef {
  return sessionOf(callerOf(request), params.id);
}
