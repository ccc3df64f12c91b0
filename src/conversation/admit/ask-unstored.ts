import { randomUUID } from 'node:crypto';
import type { Input } from '../input.ts';
import type { Core } from '../ports/core.ts';
import type { GrantedTurn } from '../ports/turns.ts';
import type { TurnSource } from '../read/turn-source.ts';
import { answerUnstored } from '../run/answer-unstored.ts';
import { checkResults } from '../run/plan.ts';
import { NO_HISTORY, type SessionRef } from '../session.ts';
import type { TurnOptions } from '../turn.ts';
import { checkInput } from './limits.ts';
import type { CountTurn } from './submit-turn.ts';

/** A question whose answer is not to be stored. */
export interface UnstoredRequest {
  readonly owner: string;
  /** The session whose committed history the model is shown; null: none. */
  readonly history: SessionRef | null;
  readonly input: Input;
  /** By name; null: the default. */
  readonly model: string | null;
  readonly options: TurnOptions;
  readonly door: string;
}

/**
 * Checks a question; the model is asked when the answer is followed.
 *
 * @throws what `count` throws; model_not_found, invalid_request, too_large, draining, overloaded, redis_unavailable
 */
export async function askUnstored(
  core: Core,
  { owner, history: session, input, model, options, door }: UnstoredRequest,
  count: CountTurn | null,
): Promise<TurnSource> {
  core.live.checkRoom();
  const profile = { ...core.agents.choose(model), door, options, onDisconnect: 'cancel', echo: '' } as const;
  const { agent, counter, systemPrompt } = core.agents.forTurn(profile);
  const { contextTokens } = agent;
  await checkInput(input, undefined, { ...core.limits, systemPrompt, contextTokens, counter });
  await count?.();
  const history = session === null ? null : await core.sessions.history(session);
  checkResults(history?.messages ?? [], input);
  const turn = {
    session: session ?? { owner, conversationId: randomUUID() },
    turnId: core.newTurnId(),
  };
  // As a fence, the time: the ids of its events are like those of a stored turn.
  const grant: GrantedTurn = {
    ...{ fence: String(Date.now() * 1000), attempt: 1, ranMs: 0 },
    ...{ history: history ?? NO_HISTORY, input, profile },
  };
  return {
    turn,
    isStored: false,
    follow: (_after, shows, reader, signal) => answerUnstored(core, turn, grant, shows, reader, signal),
  };
}
