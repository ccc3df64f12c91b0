import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { isAnswer } from '../../conversation/session.ts';
import { callerOf } from '../callers.ts';
import { clientLeft } from '../client-left.ts';
import { ADMISSION_ERRORS, ANSWER_ERRORS } from '../door/error-codes.ts';
import type { HttpDeps } from '../http-deps.ts';
import { changeHistory } from './change-history.ts';
import { responseErrors } from './error-schemas.ts';
import { findResponse } from './find-response.ts';
import { pageOf, readListQuery } from './lists.ts';
import { DeletedResponse, ItemList } from './reply-schemas.ts';
import { ListQuery, ResponseParams } from './request-schemas.ts';
import { storedItems } from './stored-items.ts';

/** What is kept of a response: its input, and that it can be retrieved at all. */
export function keptResponseRoutes(deps: HttpDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/responses/:response_id/input_items',
      {
        schema: {
          summary: 'What a response was asked, once it is stored',
          tags: ['responses'],
          params: ResponseParams,
          querystring: ListQuery,
          response: { 200: ItemList, ...responseErrors(['turn_not_found']) },
        },
      },
      async (request) => {
        const options = readListQuery(request.query);
        const { turn, messages } = await findResponse(deps, callerOf(request), request.params.response_id);
        return pageOf(
          storedItems(
            turn.session,
            messages.filter((message) => !isAnswer(message)),
          ),
          options,
        );
      },
    );

    app.delete(
      '/v1/responses/:response_id',
      {
        schema: {
          summary: 'Delete a response; the conversation keeps what was said',
          tags: ['responses'],
          params: ResponseParams,
          response: {
            200: DeletedResponse,
            ...responseErrors(['turn_not_found', ...ADMISSION_ERRORS, ...ANSWER_ERRORS]),
          },
        },
      },
      async (request, reply) => {
        const { response_id: id } = request.params;
        const caller = callerOf(request);
        const { turn } = await findResponse(deps, caller, id);
        const use = { kind: 'forget', turn_id: turn.turnId } as const;
        const isDone = await changeHistory(deps, caller, turn.session, use, [], clientLeft(reply));
        return isDone ? { id, object: 'response' as const, deleted: true as const } : reply.hijack();
      },
    );
  };
}
