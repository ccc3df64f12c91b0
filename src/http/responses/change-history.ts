import type { Caller } from '../../conversation/caller.ts';
import type { Input } from '../../conversation/input.ts';
import type { SessionRef } from '../../conversation/session.ts';
import type { HistoryUse, TurnRef } from '../../conversation/turn.ts';
import { admit } from '../door/admit.ts';
import { collectTurn } from '../door/collect-turn.ts';
import type { HttpDeps } from '../http-deps.ts';
import { RESPONSES } from './responses-dialect.ts';

/**
 * Changes the history of a conversation without asking the model. It waits for the turns before it, and is finished even
 * if its client leaves.
 *
 * @returns the turn that did it; null when the client has left
 * @throws as admit, and what ended the turn: invalid_request, when the history does not allow the change
 */
export async function changeHistory(
  deps: Pick<HttpDeps, 'conversations' | 'rate'>,
  caller: Caller,
  { conversationId }: SessionRef,
  history: HistoryUse,
  input: Input,
  signal: AbortSignal,
): Promise<TurnRef | null> {
  const { turn } = await admit(deps, { door: RESPONSES.door, onDisconnect: 'continue' }, caller, {
    ...{ conversationId, input, options: { history } },
    ...{ onBusy: 'enqueue', model: null, idempotencyKey: null },
  });
  return (await collectTurn(deps.conversations.source(turn), signal)) === null ? null : turn;
}
