import OpenAI from 'openai';
import type { Model, ModelPart, PromptMessage } from '../conversation/ports.ts';
import { TurnwiseError } from '../errors.ts';
import { connectToModel, type ModelConnection, type ModelServer } from './connection.ts';

/** Any OpenAI-compatible model. One client a replica: its connections are shared by all sessions. */
export class OpenAiModel implements Model {
  readonly #connection: ModelConnection;
  readonly #model: string;

  constructor(server: ModelServer, model: string) {
    this.#connection = connectToModel(server);
    this.#model = model;
  }

  async *ask(prompt: readonly PromptMessage[], signal: AbortSignal): AsyncGenerator<ModelPart> {
    let hasFinished = false;
    for await (const chunk of this.#chunks(prompt, signal)) {
      const choice = chunk.choices?.[0];
      const text = choice?.delta?.content;
      if (typeof text === 'string' && text !== '' && !hasFinished) yield { type: 'text', text };
      if (typeof choice?.finish_reason === 'string') {
        hasFinished = true;
        yield { type: 'finish', reason: choice.finish_reason };
      }
      if (chunk.usage) {
        yield {
          type: 'usage',
          usage: {
            promptTokens: chunk.usage.prompt_tokens,
            completionTokens: chunk.usage.completion_tokens,
            totalTokens: chunk.usage.total_tokens,
          },
        };
      }
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
      throw asTurnwiseError(error);
    }
  }
}

function asTurnwiseError(error: unknown): TurnwiseError {
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
