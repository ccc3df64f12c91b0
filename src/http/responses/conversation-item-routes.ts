import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { callerOf } from '../callers.ts';
import { clientLeft } from '../client-left.ts';
import { ADMISSION_ERRORS, ANSWER_ERRORS } from '../door/error-codes.ts';
import type { HttpDeps } from '../http-deps.ts';
import { changeHistory } from './change-history.ts';
import { conversationToJson, itemsIn, namedSession } from './conversation-routes.ts';
import { responseErrors } from './error-schemas.ts';
import { itemNotFound } from './error-table.ts';
import { Fields } from './fields.ts';
import { listOf, pageOf, readListQuery } from './lists.ts';
import { Conversation, ConversationItem, ItemList } from './reply-schemas.ts';
import { AddItems, ConversationParams, ItemParams, ListQuery } from './request-schemas.ts';
import { coreItemId, storedItems } from './stored-items.ts';

const ADDED = new Set(['items']);

/** `/v1/conversations/{id}/items`: what a conversation holds. Changes wait for the responses before them. */
export function conversationItemRoutes(deps: HttpDeps): FastifyPluginAsyncTypebox {
  const { conversations } = deps;
  return async (app) => {
    app.post(
      '/v1/conversations/:conversation_id/items',
      {
        schema: {
          summary: 'Add items without asking the model',
          tags: ['conversations'],
          params: ConversationParams,
          body: AddItems,
          response: {
            200: ItemList,
            ...responseErrors([...ADMISSION_ERRORS, ...ANSWER_ERRORS, 'session_not_found']),
          },
        },
      },
      async (request, reply) => {
        const body = new Fields(request.body, '');
        body.only(ADDED);
        const input = itemsIn(body);
        const caller = callerOf(request);
        const session = namedSession(caller, request.params.conversation_id);
        await conversations.session(session);
        const turn = await changeHistory(deps, caller, session, { kind: 'append' }, input, clientLeft(reply));
        if (turn === null) return reply.hijack();
        return listOf(storedItems(session, await conversations.turnMessages(turn)), false);
      },
    );

    app.get(
      '/v1/conversations/:conversation_id/items',
      {
        schema: {
          summary: 'Items of a conversation, the newest first unless asked otherwise',
          tags: ['conversations'],
          params: ConversationParams,
          querystring: ListQuery,
          response: { 200: ItemList, ...responseErrors(['session_not_found']) },
        },
      },
      async (request) => {
        const options = readListQuery(request.query);
        const session = namedSession(callerOf(request), request.params.conversation_id);
        return pageOf(storedItems(session, await conversations.history(session)), options);
      },
    );

    app.get(
      '/v1/conversations/:conversation_id/items/:item_id',
      {
        schema: {
          summary: 'One item',
          tags: ['conversations'],
          params: ItemParams,
          response: { 200: ConversationItem, ...responseErrors(['session_not_found'], ['item_not_found']) },
        },
      },
      async (request) => {
        const { conversation_id: id, item_id: itemId } = request.params;
        const session = namedSession(callerOf(request), id);
        const item = storedItems(session, await conversations.history(session)).find(
          (one) => one.id === itemId,
        );
        if (item === undefined) throw itemNotFound('item_id');
        return item.json;
      },
    );

    app.delete(
      '/v1/conversations/:conversation_id/items/:item_id',
      {
        schema: {
          summary: 'Delete an item, with what cannot be without it',
          tags: ['conversations'],
          params: ItemParams,
          response: {
            200: Conversation,
            ...responseErrors(
              [...ADMISSION_ERRORS, ...ANSWER_ERRORS, 'session_not_found'],
              ['item_not_found'],
            ),
          },
        },
      },
      async (request, reply) => {
        const { conversation_id: id, item_id: itemId } = request.params;
        const caller = callerOf(request);
        const session = namedSession(caller, id);
        const core = coreItemId(itemId);
        const items = storedItems(session, await conversations.history(session));
        if (core === null || items.every((item) => item.id !== itemId)) throw itemNotFound('item_id');
        const use = { kind: 'remove', items: [core] } as const;
        const turn = await changeHistory(deps, caller, session, use, [], clientLeft(reply));
        if (turn === null) return reply.hijack();
        return conversationToJson(await conversations.session(session));
      },
    );
  };
}
