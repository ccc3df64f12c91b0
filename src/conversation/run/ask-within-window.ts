import type { TurnAgent } from '../agent.ts';
import type { LiveTurn } from '../live/live-turn.ts';
import { ModelRefused } from '../model-refused.ts';
import type { Uses } from '../ports/core.ts';
import type { ModelAnswer } from '../ports/model.ts';
import type { GrantedTurn } from '../ports/turns.ts';
import { askModel, type CallLimits, type SpokenPart } from './ask-model.ts';
import {
  buildPrompt,
  historyTokensOf,
  messagesOf,
  type Prompt,
  type PromptLimits,
  shorten,
} from './prompt.ts';

/** Shares of a refused prompt's history that are tried next. */
const SHARES = [0.7, 0.4, 0.15, 0];

/**
 * Asks the model with as much history as it accepts. A prompt that is too long for the model, by its own words, is
 * retried with less; any other prompt that is refused with a history is retried once without it, so that no history can
 * lock its session.
 *
 * @throws as askModel
 */
export async function askWithinWindow(
  ports: Uses<'model' | 'sessions' | 'windows' | 'limits' | 'observer'>,
  turn: LiveTurn,
  { agent, model, counter, systemPrompt, parameters }: TurnAgent,
  grant: GrantedTurn,
  onPart: (part: SpokenPart) => void | Promise<void>,
): Promise<ModelAnswer> {
  const { session } = turn.ref;
  const begunMs = performance.now();
  const { imageTokens } = ports.limits;
  const promptLimits: PromptLimits = {
    systemPrompt,
    contextTokens: agent.contextTokens,
    imageTokens,
    counter,
  };
  const prompt = await buildPrompt(
    grant.history,
    grant.input,
    promptLimits,
    (history, from) => ports.sessions.slice(session, history, from),
    ports.windows.of(session, model),
  );
  const ask = (shown: Prompt) => {
    const limits = callLimits(ports, grant.ranMs, performance.now() - begunMs);
    const request = { model, messages: messagesOf(shown), parameters };
    return askModel(ports.model, request, limits, turn.signal, onPart);
  };
  let refusal: ModelRefused;
  try {
    return await ask(prompt);
  } catch (error) {
    if (!mayHelp(error) || prompt.turns.length === 0) throw error;
    refusal = error;
  }
  ports.observer.failed('whole_history', refusal, turn.ref);
  const whole = await historyTokensOf(prompt, promptLimits);
  let refused = { turns: prompt.turns.length, tokens: whole };
  for (const share of refusal.reason === 'too_long' ? SHARES : [0]) {
    const tokens = Math.floor(whole * share);
    const shorter = await shorten(prompt, tokens, promptLimits);
    if (shorter.turns.length === refused.turns) continue;
    try {
      const answer = await ask(shorter);
      // When none of the history fits, later turns may be shorter: they start from a little less than what was refused.
      const fits = share > 0 ? tokens : Math.floor(refused.tokens * 0.85);
      if (refusal.reason === 'too_long') ports.windows.learn(session, model, fits);
      return answer;
    } catch (error) {
      if (!mayHelp(error)) throw error;
      refusal = error;
      refused = { turns: shorter.turns.length, tokens };
    }
  }
  throw refusal;
}

/** Refusals that the history may have caused. */
function mayHelp(error: unknown): error is ModelRefused {
  if (!(error instanceof ModelRefused)) return false;
  return error.reason === 'too_long' || (error.reason === 'other' && [400, 422].includes(error.modelStatus));
}

/** One attempt may take TURN_MAX_SECONDS, all of them together TURN_MAX_TOTAL_SECONDS. */
function callLimits({ limits }: Uses<'limits'>, ranBeforeMs: number, runsForMs: number): CallLimits {
  const leftMs = limits.turnMaxTotalMs - ranBeforeMs;
  return {
    totalMs: Math.max(0, Math.min(limits.turnMaxMs, leftMs) - runsForMs),
    totalCode: leftMs < limits.turnMaxMs ? 'attempts_exhausted' : 'model_timeout',
    firstTokenTimeoutMs: limits.firstTokenTimeoutMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    maxOutputBytes: limits.maxOutputBytes,
  };
}
