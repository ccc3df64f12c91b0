import { TurnwiseError } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import type { StoredTurn, TurnPlace } from './ports.ts';

/** @throws turn_not_found */
export async function mustFindTurn(deps: TurnDeps, place: TurnPlace): Promise<StoredTurn> {
  const stored = await deps.store.find(place.session, place.turnId);
  if (stored === null) throw new TurnwiseError('turn_not_found');
  return stored;
}
