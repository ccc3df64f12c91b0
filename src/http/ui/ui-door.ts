import type { FastifyReply, FastifyRequest } from 'fastify';
import { sessionOf } from '../../conversation/caller.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import { TurnwiseError } from '../../errors.ts';
import { callerOf } from '../callers.ts';
import { admit, announce, idempotencyKeyOf } from '../door/admit.ts';
import type { Door } from '../door/dialect.ts';
import { ADMISSION_ERRORS } from '../door/error-codes.ts';
import { SseSink } from '../door/sse-sink.ts';
import { streamTurn } from '../door/stream-turn.ts';
import { installErrorReplies } from '../error-reply.ts';
import { errorReplies } from '../native/error-schemas.ts';
import { NoContent } from '../native/schemas.ts';
import { parseUi } from './parse-ui.ts';
import { PROTOCOL_HEADER, UI } from './ui-dialect.ts';
import { UiFrames } from './ui-frames.ts';
import { ChatParams, StopBody, Stopped, UiChatBody, UiHeaders, UiStream } from './ui-schemas.ts';

/** Ids of answers: a turn's, so that a reader that comes back elsewhere gets the same. */
const MESSAGE_PREFIX = 'msg_';

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
        response: { 200: UiStream, ...errorReplies(...ADMISSION_ERRORS) },
      },
    },
    async (request, reply) => {
      const leave = readers.enter();
      try {
        const sink = new SseSink(reply, 'at-first-frame');
        const { body } = request;
        const { input, options, continues } = parseUi(body);
        if (body.trigger === 'regenerate-message') await checkIsLast(request, body.id, body.messageId);
        const { turn } = await admit(deps, UI, callerOf(request), {
          ...{ conversationId: body.id, input, options, onBusy: null, model: body.model ?? null },
          ...{ echo: continues ?? '', idempotencyKey: idempotencyKeyOf(request) },
        });
        return await show(request, reply, sink, turn, continues ?? '');
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
        response: { 200: UiStream, 204: NoContent, ...errorReplies('overloaded', 'corrupt_session') },
      },
    },
    async (request, reply) => {
      const leave = readers.enter();
      try {
        const turn = await conversations.active(sessionOf(callerOf(request), request.params.id));
        const found = turn === null ? null : await conversations.find(turn).catch(orNull);
        if (turn === null || found === null) return reply.code(204).send(null);
        return await show(request, reply, new SseSink(reply, 'at-first-frame'), turn, found.echo);
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
        response: { 200: Stopped, ...errorReplies('turn_not_found', 'corrupt_session', 'storage_full') },
      },
    },
    async (request) => {
      const { turn_id: turnId = turnIn(request.body.messageId) } = request.body;
      if (turnId === undefined) {
        throw new TurnwiseError('invalid_request', { message: 'turn_id or messageId must name the turn' });
      }
      const active = await conversations.active(sessionOf(callerOf(request), request.params.id));
      if (active?.turnId !== turnId) return { success: true, stopped: false } as const;
      await conversations.cancel(active);
      return { success: true, stopped: true } as const;
    },
  );

  function show(
    request: FastifyRequest,
    reply: FastifyReply,
    sink: SseSink,
    turn: TurnRef,
    continues: string,
  ) {
    announce(reply, turn);
    reply.header(...PROTOCOL_HEADER);
    const messageId = continues === '' ? `${MESSAGE_PREFIX}${turn.turnId}` : continues;
    const frames = new UiFrames(turn, messageId, request.headers['x-turnwise-events'] === 'queued');
    return streamTurn(deps, readers, UI, conversations.source(turn), frames, sink);
  }

  /** An answer that is named must be the last one. @throws invalid_request */
  async function checkIsLast(
    request: FastifyRequest,
    id: string,
    messageId: string | undefined,
  ): Promise<void> {
    const turnId = turnIn(messageId);
    if (turnId === undefined) return;
    const session = sessionOf(callerOf(request), id);
    const [last] = (await conversations.messages(session, 1, null)).messages;
    if (last?.turnId !== turnId) {
      throw new TurnwiseError('invalid_request', {
        message: 'messageId: only the last answer can be made anew',
      });
    }
  }
};

function turnIn(messageId: string | undefined): string | undefined {
  return messageId?.startsWith(MESSAGE_PREFIX) ? messageId.slice(MESSAGE_PREFIX.length) : undefined;
}

/** It may have ended since it was found. @throws any other error */
function orNull(error: unknown): null {
  if (error instanceof TurnwiseError && error.code === 'turn_not_found') return null;
  throw error;
}
