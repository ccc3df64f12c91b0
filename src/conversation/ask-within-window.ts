import { type Answer, askModel, type CallLimits } from './ask-model.ts';
import type { TurnDeps } from './deps.ts';
import type { LiveTurn } from './live-turn.ts';
import { ModelRefused } from './model-refused.ts';
import type { OpenGrant } from './ports.ts';
import { buildPrompt, historyTokensOf, messagesOf, type Prompt, shorten } from './prompt.ts';

/** Shares of the history that a refused prompt had: what it is asked with next. */
const SHARES = [0.7, 0.4, 0.15, 0];

/**
 * Asks the model with as much history as it takes. A prompt that is too long for the model, by its own words, is asked again
 * with less; any other that is refused with a history is asked once without, so that no history can lock its session.
 *
 * @throws as askModel
 */
export async function askWithinWindow(
  deps: TurnDeps,
  turn: LiveTurn,
  grant: OpenGrant,
  onText: (text: string) => void | Promise<void>,
): Promise<Answer> {
  const { session } = turn.ref;
  const begunMs = performance.now();
  const prompt = await buildPrompt(
    grant.history,
    grant.userMessages,
    deps.limits,
    deps.counter,
    (history, from) => deps.sessions.slice(session, history, from),
    deps.windows.of(session),
  );
  const ask = (shown: Prompt) => {
    const limits = callLimits(deps, grant.ranMs, performance.now() - begunMs);
    return askModel(deps.model, messagesOf(shown), limits, turn.signal, onText);
  };
  let refusal: ModelRefused;
  try {
    return await ask(prompt);
  } catch (error) {
    if (!mayHelp(error) || prompt.turns.length === 0) throw error;
    refusal = error;
  }
  deps.observer.failed('ask with the whole history', refusal, turn.ref);
  const whole = await historyTokensOf(prompt, deps.counter);
  let refused = { turns: prompt.turns.length, tokens: whole };
  for (const share of refusal.reason === 'too_long' ? SHARES : [0]) {
    const tokens = Math.floor(whole * share);
    const shorter = await shorten(prompt, tokens, deps.counter);
    if (shorter.turns.length === refused.turns) continue;
    try {
      const answer = await ask(shorter);
      // Where none of it fits, later turns may be shorter: a little less than what was refused is tried with those.
      const fits = share > 0 ? tokens : Math.floor(refused.tokens * 0.85);
      if (refusal.reason === 'too_long') deps.windows.learn(session, fits);
      return answer;
    } catch (error) {
      if (!mayHelp(error)) throw error;
      refusal = error;
      refused = { turns: shorter.turns.length, tokens };
    }
  }
  throw refusal;
}

/** Refusals of a request that history may be the cause of. */
function mayHelp(error: unknown): error is ModelRefused {
  if (!(error instanceof ModelRefused)) return false;
  return error.reason === 'too_long' || (error.reason === 'other' && [400, 422].includes(error.modelStatus));
}

/** One attempt may take TURN_MAX_SECONDS, all of them together TURN_MAX_TOTAL_SECONDS. */
function callLimits({ limits }: TurnDeps, ranBeforeMs: number, runsForMs: number): CallLimits {
  const leftMs = limits.turnMaxTotalMs - ranBeforeMs;
  return {
    totalMs: Math.max(0, Math.min(limits.turnMaxMs, leftMs) - runsForMs),
    totalCode: leftMs < limits.turnMaxMs ? 'attempts_exhausted' : 'model_timeout',
    firstTokenTimeoutMs: limits.firstTokenTimeoutMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    maxOutputBytes: limits.maxOutputBytes,
  };
}
