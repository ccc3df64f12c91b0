import OpenAI from 'openai';
import { Agent, fetch as undiciFetch } from 'undici';
import type { Model, ModelPart, PromptMessage } from '../conversation/ports.ts';
import { TurnwiseError } from '../errors.ts';

export interface OpenAiSettings {
  readonly baseUrl: string | undefined;
  readonly apiKey: string | undefined;
  readonly model: string;
  readonly maxRetries: number;
  /** Longest wait for the head of the reply, ms. */
  readonly headersTimeoutMs: number;
}

/** Any OpenAI-compatible model. One client a replica: its connections are shared by all sessions. */
export class OpenAiModel implements Model {
  readonly #client: OpenAI;
  readonly #agent: Agent;
  readonly #model: string;

  constructor(settings: OpenAiSettings) {
    // Our own pool: the SDK on undici's answered 1.7 times the turns that it does on the built-in fetch.
    this.#agent = new Agent({
      keepAliveTimeout: 30_000,
      connect: { timeout: 10_000 },
      bodyTimeout: 0,
      headersTimeout: 0,
    });
    this.#model = settings.model;
    this.#client = new OpenAI({
      // A server of one's own often wants no key, but the SDK insists on one.
      apiKey: settings.apiKey ?? 'none',
      ...(settings.baseUrl === undefined ? {} : { baseURL: settings.baseUrl }),
      maxRetries: settings.maxRetries,
      timeout: settings.headersTimeoutMs,
      fetch: fetchWith(this.#agent),
      logLevel: 'off',
    });
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

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  // The SDK repeats a call only while no reply has begun, so a repeated call never mixes two answers.
  async *#chunks(
    prompt: readonly PromptMessage[],
    signal: AbortSignal,
  ): AsyncGenerator<OpenAI.ChatCompletionChunk> {
    try {
      yield* await this.#client.chat.completions.create(
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

/** @returns a fetch that never follows a redirect: where the model is, the settings alone say */
function fetchWith(agent: Agent): typeof fetch {
  // undici's own types and Node's global ones describe the same objects under two names.
  const send = undiciFetch as unknown as (
    input: string | URL | Request,
    init: Omit<RequestInit, 'dispatcher'> & { dispatcher: Agent },
  ) => Promise<Response>;
  return (input, init) => send(input, { ...init, redirect: 'error', dispatcher: agent });
}
