import type { TurnDeps } from './deps.ts';
import type { TurnRef, Withdrawal, Withdrawn } from './ports.ts';

/** Ends a turn that never ran, and counts its end: once, by whoever's request it was that ended it. */
export async function withdrawTurn(deps: TurnDeps, turn: TurnRef, ending: Withdrawal): Promise<Withdrawn> {
  const withdrawn = await deps.queue.withdraw(turn, ending);
  if (withdrawn === 'ok') deps.observer.turnEnded(turn, ending.outcome, null);
  return withdrawn;
}
