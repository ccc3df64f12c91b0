import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { sessionOf } from '../../conversation/caller.ts';
import type { Conversations } from '../../conversation/conversations.ts';
import type { SessionRef } from '../../conversation/session.ts';
import { hasCode, TurnwiseError } from '../../errors.ts';
import { callerOf } from '../callers.ts';
import { admit, announce, idempotencyKeyOf } from '../door/admit.ts';
import { ADMISSION_ERRORS, ANSWER_ERRORS } from '../door/error-codes.ts';
import type { Readers } from '../door/readers.ts';
import { SseSink } from '../door/sse-sink.ts';
import { streamTurn } from '../door/stream-turn.ts';
import type { HttpDeps } from '../http-deps.ts';
import { AG_UI } from './ag-ui-dialect.ts';
import { RunStream, runErrorReplies } from './event-schema.ts';
import { parseRun } from './parse-run.ts';
import { decodeEcho, encodeEcho } from './run-echo.ts';
import { RunFrames } from './run-frames.ts';
import { RunHeaders, RunRequest } from './run-schema.ts';

/** How many of the newest messages are looked through for one that is sent again. */
const LOOKS_BACK = 50;

/** `POST /api/ag-ui`: a run of a thread. */
export function runRoute(deps: HttpDeps, readers: Readers): FastifyPluginAsyncTypebox {
  const { conversations } = deps;
  return async (app) => {
    app.post(
      '/api/ag-ui',
      {
        sse: 'manual',
        schema: {
          summary: 'A run of AG-UI: the thread is the session',
          description:
            'Clients send all messages that they have; only the last one is taken, or the outputs of tools at the end. What ' +
            'came before is in the stored history.',
          tags: ['ag-ui'],
          headers: RunHeaders,
          body: RunRequest,
          response: { 200: RunStream, ...runErrorReplies(...ADMISSION_ERRORS, ...ANSWER_ERRORS) },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const { threadId, runId, parentRunId = null, messages } = request.body;
          const sink = new SseSink(reply, 'at-first-frame');
          const { input, messageIds, model, options } = parseRun(request.body);
          const caller = callerOf(request);
          const idempotencyKey = idempotencyKeyOf(request);
          if (idempotencyKey === null) {
            await refuseAnswered(conversations, sessionOf(caller, threadId), messageIds);
          }
          const { turn } = await admit(deps, AG_UI, caller, {
            ...{ conversationId: threadId, input, model, options, idempotencyKey, onBusy: null },
            echo: encodeEcho({ runId, messageIds }),
          });
          announce(reply, turn);
          const source = conversations.source(turn);
          const frames = new RunFrames(source, {
            ...{ runId, parentRunId, before: messages, beginsWithSnapshot: false },
            showsQueue: request.headers['x-turnwise-events'] === 'queued',
          });
          return await streamTurn(deps, readers, AG_UI, source, frames, sink);
        } finally {
          leave();
        }
      },
    );
  };
}

/**
 * An edit, or a request for another answer, comes as the last message with an id that the thread has already.
 *
 * @throws invalid_request
 */
async function refuseAnswered(
  conversations: Conversations,
  session: SessionRef,
  messageIds: readonly string[],
): Promise<void> {
  const page = await conversations.messages(session, LOOKS_BACK, null).catch((error: unknown) => {
    if (hasCode(error, 'session_not_found')) return null;
    throw error;
  });
  const known = page?.messages.flatMap(({ receipt }) => decodeEcho(receipt?.echo ?? '')?.messageIds ?? []);
  if (!messageIds.some((id) => known?.includes(id))) return;
  throw new TurnwiseError('invalid_request', {
    message: 'the last message was answered already: an edit, or another answer, is not possible here',
    details: { param: 'messages' },
  });
}
