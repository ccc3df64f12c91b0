import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { sessionOf } from '../../conversation/caller.ts';
import type { Conversations } from '../../conversation/conversations.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import { callerOf } from '../callers.ts';
import { announce } from '../door/admit.ts';
import type { Readers } from '../door/readers.ts';
import { SseSink } from '../door/sse-sink.ts';
import { streamTurn } from '../door/stream-turn.ts';
import type { HttpDeps } from '../http-deps.ts';
import { AG_UI } from './ag-ui-dialect.ts';
import { NoRun, RunStream, runErrorReplies } from './event-schema.ts';
import { decodeEcho } from './run-echo.ts';
import { RunFrames, type RunView } from './run-frames.ts';
import { ResumeHeaders, ThreadParams } from './run-schema.ts';
import { messagesOfHistory, messagesOfInput } from './thread-messages.ts';

/** `GET /api/ag-ui/{thread_id}/stream`: the run of a thread that is running, or else waits, from its first event. */
export function resumeRoute(deps: HttpDeps, readers: Readers): FastifyPluginAsyncTypebox {
  const { conversations } = deps;
  return async (app) => {
    app.get(
      '/api/ag-ui/:thread_id/stream',
      {
        sse: 'manual',
        exposeHeadRoute: false,
        schema: {
          summary: 'The run of a thread that is running, from its first event, on any replica',
          description:
            'Begins with a snapshot of the thread, so it does not matter what the client has. 204 when nothing runs.',
          tags: ['ag-ui'],
          params: ThreadParams,
          headers: ResumeHeaders,
          response: {
            200: RunStream,
            204: NoRun,
            ...runErrorReplies('overloaded', 'session_not_found', 'turn_not_found', 'corrupt_session'),
          },
        },
      },
      async (request, reply) => {
        const leave = readers.enter();
        try {
          const turn = await conversations.active(sessionOf(callerOf(request), request.params.thread_id));
          if (turn === null) return reply.code(204).send(null);
          const sink = new SseSink(reply, 'at-first-frame');
          const view = await viewOf(conversations, turn);
          announce(reply, turn);
          const source = conversations.source(turn);
          const showsQueue = request.headers['x-turnwise-events'] === 'queued';
          const frames = new RunFrames(source, { ...view, showsQueue });
          return await streamTurn(deps, readers, AG_UI, source, frames, sink);
        } finally {
          leave();
        }
      },
    );
  };
}

async function viewOf(conversations: Conversations, turn: TurnRef): Promise<Omit<RunView, 'showsQueue'>> {
  const { echo, input } = await conversations.find(turn);
  const history = await conversations.history(turn.session);
  // It may have been committed meanwhile: its answer is in the events.
  const earlier = history.filter(({ turnId }) => turnId !== turn.turnId);
  // null: it came through another door.
  const known = decodeEcho(echo);
  const asked = messagesOfInput(input, known?.messageIds ?? [], turn.turnId);
  return {
    runId: known?.runId ?? turn.turnId,
    parentRunId: null,
    before: [...messagesOfHistory(earlier), ...asked],
    beginsWithSnapshot: true,
  };
}
