import type { FastifyReply } from 'fastify';
import type { TurnPlace } from '../conversation/ports.ts';

/** Before the first byte of the body the client knows how to find its turn again. */
export function announce(reply: FastifyReply, turn: TurnPlace): void {
  reply.header('x-session-id', turn.session.conversationId);
  reply.header('x-turn-id', turn.turnId);
}
