import { ANONYMOUS_OWNER, isConversationId, type SessionRef } from '../conversation/session.ts';
import type { TurnFailure, Usage } from '../conversation/turn.ts';
import { TurnwiseError } from '../errors.ts';

/** @throws invalid_request */
export function sessionOf(id: string): SessionRef {
  if (!isConversationId(id)) throw new TurnwiseError('invalid_request', { message: 'not a conversation id' });
  return { owner: ANONYMOUS_OWNER, conversationId: id };
}

export function wireTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function wireUsage(usage: Usage | null) {
  return usage === null
    ? null
    : {
        prompt_tokens: usage.promptTokens,
        completion_tokens: usage.completionTokens,
        total_tokens: usage.totalTokens,
      };
}

export function wireFailure({ code, message, retryable, modelStatus }: TurnFailure) {
  return { code, message, retryable, ...(modelStatus === undefined ? {} : { model_status: modelStatus }) };
}

/** Where a turn can be read on, on any replica. */
export function streamUrl(conversationId: string, turnId: string): string {
  return `/api/sessions/${encodeURIComponent(conversationId)}/turns/${turnId}/stream`;
}
