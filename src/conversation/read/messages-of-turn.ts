import { TurnwiseError } from '../../errors.ts';
import type { Uses } from '../ports/core.ts';
import type { Message } from '../session.ts';
import type { TurnRef } from '../turn.ts';

/** Messages looked through at a time. */
const PAGE = 100;

/**
 * What the history holds of a turn, oldest first: what its callers said, and the answer. Found from the newest message
 * back, since mostly the last turns are asked for.
 *
 * @throws turn_not_found: the history has nothing of it
 */
export async function messagesOfTurn(
  { sessions }: Uses<'sessions'>,
  { session, turnId }: TurnRef,
): Promise<readonly Message[]> {
  const found: Message[] = [];
  for (let before: string | null = null; ; ) {
    const page = await sessions.messages(session, PAGE, before);
    const own = page?.messages.filter((message) => message.turnId === turnId) ?? [];
    found.unshift(...own);
    // They are adjacent: when the page goes on before them, that was all.
    const isComplete = found.length > 0 && page?.messages[0]?.turnId !== turnId;
    if (page === null || !page.hasMore || isComplete) break;
    before = page.messages[0]?.id ?? null;
  }
  if (found.length === 0) throw new TurnwiseError('turn_not_found');
  return found;
}
