import { TurnwiseError } from '../errors.ts';
import type { TokenCounter } from './ports/model.ts';
import type { TurnOptions, TurnProfile } from './turn.ts';

/** What answers turns: a named profile. Stored only in the settings; rebuilt for every turn. */
export interface Agent {
  readonly name: string;
  /** The models that a request may choose from; the first is the default. */
  readonly models: readonly string[];
  readonly systemPrompt: string | undefined;
  /** Fields of every model request. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Tokens of a prompt; history that does not fit is left out. */
  readonly contextTokens: number;
  /** How the tokens of a model are counted. */
  counterFor(model: string): TokenCounter;
}

/** An agent as it runs one turn. */
export interface TurnAgent {
  readonly agent: Agent;
  readonly model: string;
  readonly counter: TokenCounter;
  readonly systemPrompt: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The agents of a deployment. */
export class Agents {
  readonly #agents: readonly [Agent, ...Agent[]];

  constructor(agents: readonly [Agent, ...Agent[]]) {
    this.#agents = agents;
  }

  get default(): Agent {
    return this.#agents[0];
  }

  /** The models of all agents, the default first. */
  get models(): readonly string[] {
    return [...new Set(this.#agents.flatMap(({ models }) => models))];
  }

  /**
   * The agent and the model that a request asks for.
   *
   * @param name  of a model, as the caller wrote it; null: the default
   * @throws model_not_found
   */
  choose(name: string | null): Pick<TurnProfile, 'agent' | 'model'> {
    const [first] = this.#agents;
    if (name === null) return { agent: first.name, model: first.models[0] ?? '' };
    const agent = this.#agents.find(({ models }) => models.includes(name));
    if (agent === undefined) throw new TurnwiseError('model_not_found');
    return { agent: agent.name, model: name };
  }

  /**
   * The agent of a turn's record, with the overrides of its request. A turn that is taken over runs as it was admitted:
   * with the model of its record, even if the settings of this replica now name another one.
   */
  forTurn({ agent: name, model, options }: TurnProfile): TurnAgent {
    const agent = this.#agents.find((one) => one.name === name) ?? this.default;
    const asked = model === '' ? (agent.models[0] ?? '') : model;
    return {
      agent,
      model: asked,
      counter: agent.counterFor(asked),
      systemPrompt: systemPromptOf(agent, options),
      parameters: { ...agent.parameters, ...options.parameters, ...toolsOf(options) },
    };
  }
}

function systemPromptOf(agent: Agent, { instructions, context }: TurnOptions): string | undefined {
  const prompt = instructions ?? agent.systemPrompt;
  return context === undefined ? prompt : [prompt ?? '', context].join('\n\n').trim();
}

function toolsOf({ tools }: TurnOptions): { readonly tools?: readonly unknown[] } {
  return tools === undefined || tools.length === 0 ? {} : { tools };
}
