import type { FastifyReply, FastifyRequest } from 'fastify';
import { sessionOf } from '../../conversation/caller.ts';
import type { TurnEvent } from '../../conversation/events.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import { type ErrorCode, TurnwiseError } from '../../errors.ts';
import { callerOf } from '../callers.ts';
import { admit, announce, idempotencyKeyOf } from '../door/admit.ts';
import type { Door } from '../door/dialect.ts';
import { ADMISSION_ERRORS, ANSWER_ERRORS } from '../door/error-codes.ts';
import { SseSink } from '../door/sse-sink.ts';
import { streamTurn } from '../door/stream-turn.ts';
import { installErrorReplies } from '../error-reply.ts';
import { errorReplies } from '../native/error-schemas.ts';
import { NoContent } from '../native/schemas.ts';
import { earlierSteps } from './earlier-steps.ts';
import { meansLastTurn, unless } from './means-last-turn.ts';
import { asNew, parseUi } from './parse-ui.ts';
import { PROTOCOL_HEADER, UI } from './ui-dialect.ts';
import { decodeEcho, encodeEcho, messageIdOf, type UiEcho } from './ui-echo.ts';
import { UiFrames } from './ui-frames.ts';
import { ChatParams, StopBody, Stopped, UiChatBody, UiHeaders, UiStream } from './ui-schemas.ts';

/** What resuming may reply before the first chunk, the end of a turn that never began included. */
const RESUME_ERRORS: readonly ErrorCode[] = [
  ...([
    'session_deleted',
    'corrupt_session',
    'storage_full',
    'draining',
    'overloaded',
    'commit_unknown',
  ] as const),
  ...ANSWER_ERRORS,
];

/** `/api/ui/chat`: the message stream of the AI SDK's `useChat`, with resume and stop. */
export const uiDoor: Door = (deps, readers) => async (app) => {
  const { conversations } = deps;
  installErrorReplies(app, UI);

  app.post(
    '/api/ui/chat',
    {
      sse: 'manual',
      schema: {
        summary: 'Chat, for useChat of the AI SDK',
        description:
          'Only the last message, or the outputs of tools in it, is taken: the history is kept here.',
        tags: ['ai-sdk'],
        body: UiChatBody,
        headers: UiHeaders,
        response: { 200: UiStream, ...errorReplies(...ADMISSION_ERRORS, ...ANSWER_ERRORS) },
      },
    },
    async (request, reply) => {
      const leave = readers.enter();
      try {
        const sink = new SseSink(reply, 'at-first-frame');
        const { body } = request;
        const caller = callerOf(request);
        const isNew =
          body.trigger === 'regenerate-message' &&
          !(await meansLastTurn(conversations, sessionOf(caller, body.id), body));
        const { input, options, echo } = parseUi(isNew ? asNew(body) : body);
        const { turn } = await admit(deps, UI, caller, {
          ...{ conversationId: body.id, input, options, onBusy: null, model: body.model ?? null },
          ...{ echo: encodeEcho(echo), idempotencyKey: idempotencyKeyOf(request) },
        });
        return await show(request, reply, sink, turn, echo);
      } finally {
        leave();
      }
    },
  );

  app.get(
    '/api/ui/chat/:id/stream',
    {
      sse: 'manual',
      exposeHeadRoute: false,
      schema: {
        summary: 'The running turn of a chat from its first chunk, else the one that waits longest',
        description: '204 when there is none.',
        tags: ['ai-sdk'],
        params: ChatParams,
        headers: UiHeaders,
        response: { 200: UiStream, 204: NoContent, ...errorReplies(...RESUME_ERRORS) },
      },
    },
    async (request, reply) => {
      const leave = readers.enter();
      try {
        const turn = await conversations.active(sessionOf(callerOf(request), request.params.id));
        // It may have ended since it was found.
        const found = turn && (await unless('turn_not_found', conversations.find(turn)));
        if (turn === null || found === null) return reply.code(204).send(null);
        const sink = new SseSink(reply, 'at-first-frame');
        const echo = decodeEcho(found.echo);
        const earlier = echo.continues === '' ? [] : await earlierSteps(conversations, turn, found);
        return await show(request, reply, sink, turn, echo, earlier);
      } finally {
        leave();
      }
    },
  );

  app.post(
    '/api/ui/chat/:id/stop',
    {
      schema: {
        summary: 'Stop the turn that is named; another one goes on',
        tags: ['ai-sdk'],
        params: ChatParams,
        body: StopBody,
        response: { 200: Stopped, ...errorReplies('corrupt_session', 'storage_full') },
      },
    },
    async (request) => {
      const { turn_id: turnId, messageId } = request.body;
      if (turnId === undefined && messageId === undefined) {
        throw new TurnwiseError('invalid_request', { message: 'turn_id or messageId must name the turn' });
      }
      const active = await conversations.active(sessionOf(callerOf(request), request.params.id));
      const found = active && (await unless('turn_not_found', conversations.find(active)));
      const isNamed =
        active !== null &&
        found !== null &&
        (turnId ?? active.turnId) === active.turnId &&
        (messageId === undefined || messageId === messageIdOf(active.turnId, decodeEcho(found.echo)));
      if (!isNamed) return { success: true, stopped: false } as const;
      const ended = await unless('turn_not_found', conversations.cancel(active));
      return { success: true, stopped: ended !== null } as const;
    },
  );

  function show(
    request: FastifyRequest,
    reply: FastifyReply,
    sink: SseSink,
    turn: TurnRef,
    echo: UiEcho,
    earlier: readonly TurnEvent[] = [],
  ) {
    announce(reply, turn);
    reply.header(...PROTOCOL_HEADER);
    const showsQueue = request.headers['x-turnwise-events'] === 'queued';
    const frames = new UiFrames(turn, messageIdOf(turn.turnId, echo), showsQueue, earlier);
    return streamTurn(deps, readers, UI, conversations.source(turn), frames, sink);
  }
};
