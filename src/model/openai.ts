import { setTimeout as sleep } from 'node:timers/promises';
import type { Model, ModelAnswer, ModelPart, ModelRequest } from '../conversation/ports/model.ts';
import { TurnwiseError } from '../errors.ts';
import type { OnPart } from './answer-reader.ts';
import { connectToModel, type ModelConnection, type ModelServer } from './connection.ts';
import { exchange } from './exchange.ts';
import { ModelFailure } from './model-failure.ts';
import { adapt, type ChatRequest, type Need, needsBehind } from './needs.ts';
import { wireMessagesOf } from './wire-messages.ts';

export interface OpenAiModelSettings extends ModelServer {
  readonly maxRetries: number;
  /** Merged into every request; null removes a field. */
  readonly extraBody: Readonly<Record<string, unknown>>;
  /** Called with each need that the server turns out to have. */
  found(need: Need): void;
}

/** Between two tries, ms: doubled each time, as the `openai` package has it. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;

/** What was found out about the server behind a model. */
interface Found {
  readonly needs: Set<Need>;
  takesStreamOptions: boolean;
}

/** Any OpenAI-compatible model. One connection pool per replica, shared by all sessions. */
export class OpenAiModel implements Model {
  readonly #connection: Promise<ModelConnection>;
  readonly #settings: OpenAiModelSettings;
  /** By model: behind one address there may be servers of several kinds. */
  readonly #found = new Map<string, Found>();

  constructor(settings: OpenAiModelSettings) {
    this.#settings = settings;
    this.#connection = connectToModel(settings);
    // Reported by the first call.
    this.#connection.catch(() => {});
  }

  /** A call is retried only while no part of an answer was passed on, so two answers are never mixed. */
  async ask(request: ModelRequest, signal: AbortSignal, onPart: OnPart): Promise<ModelAnswer> {
    const connection = await this.#connection;
    const body = this.#bodyFor(request);
    let [tries, wasHeard] = [0, false];
    const hear = (part: ModelPart) => {
      if (part.type !== 'sign') wasHeard = true;
      return onPart(part);
    };
    const found = this.#foundOf(request.model);
    const call = (needs: ReadonlySet<Need>) =>
      exchange(connection, JSON.stringify(adapt(body, needs)), signal, hear);
    for (;;) {
      try {
        const answer = await call(found.needs);
        if (body.stream_options !== undefined && !found.needs.has('requests without stream_options')) {
          found.takesStreamOptions = true;
        }
        return answer;
      } catch (error) {
        if (!(error instanceof ModelFailure)) throw error;
        if (wasHeard || signal.aborted) throw error.asTurnwiseError();
        const answer = await this.#askOtherwise(error, found, body, call, () => wasHeard);
        if (answer !== null) return answer;
        if (error.isPermanent || !error.mayPass || tries >= this.#settings.maxRetries) {
          throw error.asTurnwiseError();
        }
        await pause(error.facts.retryAfterMs ?? backoffMs(tries), signal);
        tries += 1;
      }
    }
  }

  async close(): Promise<void> {
    await (await this.#connection).close();
  }

  #bodyFor({ model, messages, parameters }: ModelRequest): ChatRequest {
    const body: Record<string, unknown> = {
      model,
      messages: [],
      ...parameters,
      stream: true,
      stream_options: { include_usage: true },
      ...this.#settings.extraBody,
    };
    for (const [name, value] of Object.entries(body)) if (value === null) delete body[name];
    return { ...body, messages: messages.flatMap(wireMessagesOf) };
  }

  /**
   * A server that refuses a request may accept it in another form: it is asked without what may be in its way, one
   * thing at a time and then all, and what helped is remembered.
   *
   * @returns null when nothing helped
   */
  async #askOtherwise(
    failure: ModelFailure,
    found: Found,
    body: ChatRequest,
    call: (needs: ReadonlySet<Need>) => Promise<ModelAnswer>,
    wasHeard: () => boolean,
  ): Promise<ModelAnswer | null> {
    const needs = needsBehind(failure, adapt(body, found.needs), found.needs, found.takesStreamOptions);
    const ways = needs.length > 1 ? [...needs.map((need) => [need]), needs] : [needs];
    for (const way of needs.length === 0 ? [] : ways) {
      try {
        const answer = await call(new Set([...found.needs, ...way]));
        for (const need of way) this.#remember(found, need);
        return answer;
      } catch (error) {
        if (!(error instanceof ModelFailure)) throw error;
        if (wasHeard()) throw error.asTurnwiseError();
      }
    }
    return null;
  }

  #remember({ needs }: Found, need: Need): void {
    if (needs.has(need)) return;
    needs.add(need);
    this.#settings.found(need);
  }

  #foundOf(model: string): Found {
    const found = this.#found.get(model) ?? { needs: new Set(), takesStreamOptions: false };
    this.#found.set(model, found);
    return found;
  }
}

function backoffMs(tries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS) * (1 - Math.random() / 4);
}

/** @throws model_timeout when the signal fires meanwhile */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((cause: unknown) => {
    throw new TurnwiseError('model_timeout', { cause });
  });
}
