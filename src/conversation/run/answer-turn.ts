import { performance } from 'node:perf_hooks';
import type { TurnEvent } from '../events.ts';
import type { LiveTurn } from '../live/live-turn.ts';
import type { Uses } from '../ports/core.ts';
import type { ModelAnswer } from '../ports/model.ts';
import type { GrantedTurn } from '../ports/turns.ts';
import type { Transcript } from '../transcript.ts';
import { modelError, type SpokenPart, ToolCalls } from './ask-model.ts';
import { askWithinWindow } from './ask-within-window.ts';

/** Where an answer goes while it is said. */
export interface Speaker {
  readonly transcript: Transcript;
  speak(event: TurnEvent): void;
  /** Called before each piece; a promise holds the answer back. */
  check(): Promise<void> | undefined;
}

/**
 * Asks the model, and turns what it says into events.
 *
 * @throws as askModel; model_error when the answer is empty
 */
export async function answerTurn(
  ports: Uses<'agents' | 'model' | 'sessions' | 'windows' | 'limits' | 'observer'>,
  turn: LiveTurn,
  grant: GrantedTurn,
  { transcript, speak, check }: Speaker,
): Promise<ModelAnswer> {
  const agent = ports.agents.forTurn(grant.profile);
  const offersTools = agent.parameters.tools !== undefined;
  const calls = new ToolCalls();
  const begunMs = performance.now();
  const say = (part: SpokenPart) => {
    if (turn.signal.aborted) return;
    if (part.type === 'tool_call') {
      if (offersTools) calls.add(part);
    } else if (part.type === 'text') {
      if (transcript.textLength === 0) ports.observer.firstToken(turn.ref, performance.now() - begunMs);
      speak({ type: 'delta', content: part.text });
    } else if (ports.limits.reasoning !== 'off') {
      speak({ type: 'reasoning', content: part.text });
    }
  };
  const answered = await askWithinWindow(ports, turn, agent, grant, (part) => {
    const checking = check();
    return checking === undefined ? say(part) : checking.then(() => say(part));
  });
  for (const event of calls.events(turn.ref.turnId)) speak(event);
  if (transcript.isEmpty) throw modelError('the answer is empty');
  return answered;
}
