import type { Uses } from '../ports/core.ts';
import type { Withdrawal, Withdrawn } from '../ports/turns.ts';
import type { TurnRef } from '../turn.ts';

/** Ends a turn that never ran, and counts its end: once, by the request that ended it. */
export async function withdrawTurn(
  { queue, observer }: Uses<'queue' | 'observer'>,
  turn: TurnRef,
  withdrawal: Withdrawal,
): Promise<Withdrawn> {
  const withdrawn = await queue.withdraw(turn, withdrawal);
  if (withdrawn === 'ok') observer.turnEnded(turn, withdrawal.outcome, null);
  return withdrawn;
}
