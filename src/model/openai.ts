import OpenAI from 'openai';
import type { Model, ModelPart, PromptMessage } from '../conversation/ports.ts';
import type { Usage } from '../conversation/turn.ts';
import { TurnwiseError } from '../errors.ts';
import { connectToModel, type ModelConnection, type ModelServer } from './connection.ts';

/** Longest reason to finish that is handed on; those of the protocol have 14 characters at most. */
const LONGEST_REASON = 64;

/** Any OpenAI-compatible model. One client a replica: its connections are shared by all sessions. */
export class OpenAiModel implements Model {
  readonly #connection: ModelConnection;
  readonly #model: string;

  constructor(server: ModelServer, model: string) {
    this.#connection = connectToModel(server);
    this.#model = model;
  }

  async *ask(prompt: readonly PromptMessage[], signal: AbortSignal): AsyncGenerator<ModelPart> {
    const pairs = new WholePairs();
    let hasFinished = false;
    for await (const chunk of this.#chunks(prompt, signal)) {
      const choice = chunk.choices?.[0];
      const sent = choice?.delta?.content;
      const text = typeof sent === 'string' && !hasFinished ? pairs.next(sent) : '';
      const usage = usageIn(chunk.usage);
      if (text !== '') yield { type: 'text', text };
      // Such as a thought, which has a field of its own on each server.
      else yield { type: 'sign' };
      // Some servers send an empty reason with every chunk.
      if (typeof choice?.finish_reason === 'string' && String(choice.finish_reason) !== '') {
        hasFinished = true;
        yield { type: 'finish', reason: choice.finish_reason.slice(0, LONGEST_REASON) };
      }
      if (usage !== null) yield { type: 'usage', usage };
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  // The SDK repeats a call only while no reply has begun, so a repeated call never mixes two answers.
  async *#chunks(
    prompt: readonly PromptMessage[],
    signal: AbortSignal,
  ): AsyncGenerator<OpenAI.ChatCompletionChunk> {
    try {
      yield* await this.#connection.client.chat.completions.create(
        {
          model: this.#model,
          messages: prompt.map((message) => ({ role: message.role, content: message.content })),
          stream: true,
          stream_options: { include_usage: true },
        },
        { signal },
      );
    } catch (error) {
      throw modelFailure(error);
    }
  }
}

/** What a server counts is not ours to trust: by the time it is shown, the turn is committed. */
function usageIn(sent: OpenAI.CompletionUsage | null | undefined): Usage | null {
  const [promptTokens, completionTokens, totalTokens] = [
    sent?.prompt_tokens,
    sent?.completion_tokens,
    sent?.total_tokens,
  ];
  return isCount(promptTokens) && isCount(completionTokens) && isCount(totalTokens)
    ? { promptTokens, completionTokens, totalTokens }
    : null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function modelFailure(error: unknown): TurnwiseError {
  const isLate = error instanceof OpenAI.APIConnectionTimeoutError;
  return new TurnwiseError(isLate ? 'model_timeout' : 'model_error', { cause: withoutText(error) });
}

/** The log gets the cause, and a server that refuses a request may well quote it: only its codes are kept. */
function withoutText(error: unknown): unknown {
  if (!(error instanceof OpenAI.APIError) || error instanceof OpenAI.APIConnectionError) return error;
  const codes = [error.type, error.code, error.param].filter((code) => /^[\w.[\]-]{1,64}$/.test(code ?? ''));
  const what = error.status === undefined ? 'broke the answer off' : `answered ${error.status}`;
  return new Error(`the model server ${what} (${codes.join(', ') || 'without a code'})`);
}

/** Keeps half a surrogate pair until its other half comes; one that stays alone is what no UTF-8 can hold. */
class WholePairs {
  #half = '';

  next(piece: string): string {
    const text = this.#half + piece;
    this.#half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? '';
    return text.slice(0, text.length - this.#half.length).toWellFormed();
  }
}
