import type { TurnFailure } from '../../conversation/turn.ts';
import type { Usage } from '../../conversation/usage.ts';
import type { Echo } from './echo.ts';
import { publicCode } from './error-table.ts';

/** What stays the same in every form of a response. */
export interface ResponseHead {
  readonly id: string;
  readonly createdAtMs: number;
  readonly echo: Echo;
  /** Whether what the model thinks becomes a part of the stored answer (REASONING). */
  readonly storesReasoning: boolean;
}

export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'cancelled' | 'failed';

/** How far a response has come. */
export interface ResponseState {
  readonly status: ResponseStatus;
  readonly output: readonly object[];
  readonly endedAtMs: number | null;
  /** With `incomplete`. */
  readonly reason: 'max_output_tokens' | 'content_filter' | null;
  readonly failure: Pick<TurnFailure, 'code' | 'message'> | null;
  readonly usage: Usage | null;
}

/** A response as clients see it, with every key that the specification asks for, from the first frame on. */
export function responseToJson({ id, createdAtMs, echo }: ResponseHead, state: ResponseState) {
  const { user, conversation, ...shown } = echo;
  return {
    id,
    object: 'response' as const,
    created_at: seconds(createdAtMs),
    completed_at: state.status === 'completed' && state.endedAtMs !== null ? seconds(state.endedAtMs) : null,
    status: state.status,
    incomplete_details: state.reason === null ? null : { reason: state.reason },
    error:
      state.failure === null
        ? null
        : { code: publicCode(state.failure.code), message: state.failure.message },
    ...shown,
    ...(conversation === null ? {} : { conversation }),
    ...(user === null ? {} : { user }),
    output: state.output,
    usage: state.usage && usageToJson(state.usage),
  };
}

export type ResponseJson = ReturnType<typeof responseToJson>;

/** What models report of cached and reasoning tokens is not kept. */
export function usageToJson({ promptTokens, completionTokens, totalTokens }: Usage) {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: totalTokens,
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** Why an answer is not whole, by the reason with which the model ended it; null: it is. */
export function incompleteReason(finishReason: string): ResponseState['reason'] {
  if (finishReason === 'length') return 'max_output_tokens';
  return finishReason === 'content_filter' ? 'content_filter' : null;
}
