import type { UnstoredRequest } from '../admit/ask-unstored.ts';
import type { Uses } from '../ports/core.ts';
import { buildPrompt, promptTokensOf } from '../run/prompt.ts';
import { NO_HISTORY } from '../session.ts';

/** A question of which only the length is wanted. */
export type CountRequest = Pick<UnstoredRequest, 'history' | 'input' | 'model' | 'options'>;

/**
 * The tokens that a question would take, by our count: instructions, tools, the history that fits, and the input.
 *
 * @throws model_not_found, session_not_found, corrupt_session, redis_unavailable
 */
export async function countTokens(
  { agents, sessions, limits }: Uses<'agents' | 'sessions' | 'limits'>,
  { history: session, input, model, options }: CountRequest,
): Promise<number> {
  const profile = { ...agents.choose(model), door: '', options, onDisconnect: 'cancel', echo: '' } as const;
  const { agent, counter, systemPrompt, parameters } = agents.forTurn(profile);
  const { contextTokens } = agent;
  const promptLimits = { systemPrompt, contextTokens, imageTokens: limits.imageTokens, counter };
  const history = (session && (await sessions.history(session))) ?? NO_HISTORY;
  const prompt = await buildPrompt(history, input, promptLimits, async (page, from) =>
    session === null ? [] : sessions.slice(session, page, from),
  );
  const { tools } = parameters;
  const toolTokens = tools === undefined ? 0 : await counter.count(JSON.stringify(tools));
  return (await promptTokensOf(prompt, promptLimits)) + toolTokens;
}
