import { TurnwiseError } from '../../errors.ts';
import type { Uses } from '../ports/core.ts';
import type { StoredTurn } from '../ports/turns.ts';
import type { TurnRef } from '../turn.ts';

/** @throws turn_not_found */
export async function findTurn({ store }: Uses<'store'>, turn: TurnRef): Promise<StoredTurn> {
  const stored = await store.find(turn);
  if (stored === null) throw new TurnwiseError('turn_not_found');
  return stored;
}
