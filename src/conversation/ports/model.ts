import type { Part } from '../parts.ts';
import type { Usage } from '../usage.ts';

/** A message of a prompt; `parts` as in history. */
export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly parts: readonly Part[];
}

/** What a model is asked. */
export interface ModelRequest {
  readonly model: string;
  readonly messages: readonly PromptMessage[];
  /** Further fields of the request, as the model protocol has them. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/**
 * A piece of an answer, in the order in which the model sent it. `tool_call`: a piece of a call; pieces with the same
 * index belong together. `sign`: a sign of life, without content.
 */
export type ModelPart =
  | { readonly type: 'text' | 'reasoning'; readonly text: string }
  | {
      readonly type: 'tool_call';
      readonly index: number;
      readonly callId: string | null;
      readonly name: string | null;
      /** A piece of the JSON of its arguments. */
      readonly arguments: string;
    }
  | { readonly type: 'sign' };

/** What is known of an answer once it is complete. */
export interface ModelAnswer {
  readonly finishReason: string;
  readonly usage: Usage | null;
}

export interface Model {
  /**
   * Asks, passes on each part as it comes, and returns once the answer is complete. A part that is not taken at once
   * holds up those behind it.
   *
   * @throws what `onPart` throws; ModelRefused, model_error, model_timeout; anything once `signal` has fired
   */
  ask(
    request: ModelRequest,
    signal: AbortSignal,
    onPart: (part: ModelPart) => void | Promise<void>,
  ): Promise<ModelAnswer>;
}

export interface TokenCounter {
  /** Never blocks other work for more than a few ms. */
  count(text: string): Promise<number>;
}
