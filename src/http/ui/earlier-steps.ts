import type { Conversations } from '../../conversation/conversations.ts';
import type { TurnEvent } from '../../conversation/events.ts';
import type { Part } from '../../conversation/parts.ts';
import type { AnsweredTurn, TurnRef } from '../../conversation/turn.ts';
import { LOOKS_BACK, unless } from './means-last-turn.ts';

/**
 * What the message of a turn says before it, when the turn goes on with the outputs of tools: a client that resumes a
 * message begins it anew, so it would lose the calls.
 *
 * @returns none when the history has no longer the calls that the turn answers
 */
export async function earlierSteps(
  conversations: Conversations,
  { session, turnId }: TurnRef,
  { input }: Pick<AnsweredTurn, 'input'>,
): Promise<readonly TurnEvent[]> {
  const outputs = input.flatMap(({ parts }) => parts.flatMap(eventsOf));
  const stored = await unless('session_not_found', conversations.messages(session, LOOKS_BACK, null));
  const history = (stored?.messages ?? []).filter((message) => message.turnId !== turnId);
  const from = history.findLastIndex(({ role }) => role === 'user') + 1;
  const said = history.slice(from).flatMap(({ parts }) => parts.flatMap(eventsOf));
  const calls = new Set(said.map((event) => (event.type === 'tool_call' ? event.callId : null)));
  const isWhole = outputs.every((event) => event.type === 'tool_result' && calls.has(event.callId));
  return isWhole ? [...said, ...outputs] : [];
}

function eventsOf(part: Part): readonly TurnEvent[] {
  switch (part.type) {
    case 'text':
      return [{ type: 'delta', content: part.text }];
    case 'reasoning':
      return [{ type: 'reasoning', content: part.text }];
    case 'function_call':
      return [{ ...part, type: 'tool_call' }];
    case 'function_result':
      return [{ ...part, type: 'tool_result' }];
    default:
      return [];
  }
}
