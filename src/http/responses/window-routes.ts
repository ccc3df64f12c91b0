import { randomUUID } from 'node:crypto';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Input } from '../../conversation/input.ts';
import { textOf } from '../../conversation/parts.ts';
import type { SessionRef } from '../../conversation/session.ts';
import { callerOf } from '../callers.ts';
import { clientLeft } from '../client-left.ts';
import { counting } from '../door/admit.ts';
import { collectTurn } from '../door/collect-turn.ts';
import { ADMISSION_ERRORS, ANSWER_ERRORS } from '../door/error-codes.ts';
import type { HttpDeps } from '../http-deps.ts';
import { responseErrors } from './error-schemas.ts';
import { previousNotFound } from './error-table.ts';
import { Fields, refused } from './fields.ts';
import { parseRequest } from './parse-request.ts';
import { type Place, placeOf } from './place.ts';
import { withReferences } from './references.ts';
import { Compaction, InputTokens } from './reply-schemas.ts';
import { CompactResponse, CountTokens } from './request-schemas.ts';
import { usageToJson } from './response-object.ts';
import { RESPONSES } from './responses-dialect.ts';
import { summaryItem } from './summary-item.ts';

const SUMMARISE = `You summarise conversations, so that they can be continued from the summary alone. Keep names, facts, \
decisions, numbers, wishes of the user, what tools returned, and what is still open. Leave out what no longer matters. \
Write the summary only, in the language of the conversation.`;

const ASK: Input = [
  { role: 'user', parts: [{ type: 'text', text: 'Summarise the conversation up to this message.' }] },
];

const NO_USAGE = { promptTokens: 0, completionTokens: 0, totalTokens: 0 };

/** What a model is shown: how long it is, and how it is made shorter. Neither stores anything. */
export function windowRoutes(deps: HttpDeps): FastifyPluginAsyncTypebox {
  const { conversations, settings } = deps;
  return async (app) => {
    app.post(
      '/v1/responses/input_tokens',
      {
        schema: {
          summary: 'Count the tokens that a response would be asked with',
          tags: ['responses'],
          body: CountTokens,
          response: {
            200: InputTokens,
            ...responseErrors(
              ['session_not_found', 'model_not_found', 'unsupported_media_type', 'too_large'],
              ['previous_response_not_found'],
            ),
          },
        },
      },
      async (request) => {
        const { personality: _, ...body } = new Fields(request.body ?? {}, '').all;
        const asked = parseRequest(body, settings.model, false);
        const caller = callerOf(request);
        const place = await placeOf(deps, request, caller, asked);
        const before = await messagesUntil(place, asked.previousResponseId);
        const input = [...before, ...(await withReferences(deps, caller, asked.input, asked.references))];
        const { model, options } = asked;
        const tokens = await conversations.countTokens({ history: null, input, model, options });
        return { object: 'response.input_tokens' as const, input_tokens: tokens };
      },
    );

    app.post(
      '/v1/responses/compact',
      {
        schema: {
          summary: 'Summarise a conversation into one item, with which another response may begin',
          tags: ['responses'],
          body: CompactResponse,
          response: {
            200: Compaction,
            ...responseErrors(
              [...ADMISSION_ERRORS, ...ANSWER_ERRORS, 'session_not_found'],
              ['previous_response_not_found'],
            ),
          },
        },
      },
      async (request, reply) => {
        const body = new Fields(request.body, '');
        if (body.text('model') === undefined) throw refused('model', 'model is missing');
        const caller = callerOf(request);
        const asked = parseRequest(body.all, settings.model, false);
        const place = await placeOf(deps, request, caller, asked);
        const sent = await withReferences(deps, caller, asked.input, asked.references);
        const before = [...(await messagesUntil(place, asked.previousResponseId)), ...sent];
        if (before.length === 0) throw refused('input', 'there is nothing to summarise');
        const { instructions } = asked.options;
        const own = instructions === undefined ? '' : `\n\nIts own instructions are:\n${instructions}`;
        const question = {
          ...{ owner: caller.owner, history: null, input: [...before, ...ASK], model: asked.model },
          ...{ options: { instructions: SUMMARISE + own }, door: RESPONSES.door },
        };
        const source = await conversations.unstored(question, counting(deps.rate, caller));
        const collected = await collectTurn(source, clientLeft(reply));
        if (collected === null) return reply.hijack();
        const { parts, end } = collected;
        const id = randomUUID().replaceAll('-', '');
        return {
          id: `resp_${id}`,
          object: 'response.compaction' as const,
          created_at: Math.floor(Date.now() / 1000),
          output: [summaryItem(`cmp_${id}`, textOf(parts))],
          usage: usageToJson((end.type === 'done' && end.usage) || NO_USAGE),
        };
      },
    );
  };

  /** What a conversation holds, as if it were sent; up to a turn, where one is named. */
  async function messagesUntil({ session, follows, isResent }: Place, id: string | null): Promise<Input> {
    if (session === null || isResent) return [];
    const messages = await historyOf(session, id);
    const end =
      follows === null ? messages.length : messages.findLastIndex(({ turnId }) => turnId === follows) + 1;
    if (end === 0 && id !== null) throw previousNotFound(id);
    return messages.slice(0, end).map(({ role, parts }) => ({ role, parts }));
  }

  async function historyOf(session: SessionRef, id: string | null) {
    try {
      return await conversations.history(session);
    } catch (error) {
      throw id === null ? error : previousNotFound(id);
    }
  }
}
