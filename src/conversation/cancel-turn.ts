import { setTimeout as sleep } from 'node:timers/promises';
import { assertNever, TurnwiseError } from '../errors.ts';
import type { TurnDeps } from './deps.ts';
import { endSeized } from './end-seized.ts';
import { mustFindTurn } from './find-turn.ts';
import type { TurnPlace, TurnRef } from './ports.ts';
import { isEnded, type TurnRecord } from './turn.ts';
import { withdrawTurn } from './withdraw-turn.ts';

/** How long the running replica has to stop by itself; the caller is answered within a second. */
const STOP_WITHIN_MS = 550;
const LOOK_EVERY_MS = 20;

/**
 * Cancels a turn, wherever it waits or runs, and returns it once it has ended. A replica that does not answer
 * is fenced, and the turn ended from its log.
 *
 * @throws turn_not_found, redis_unavailable
 */
export async function cancelTurn(deps: TurnDeps, place: TurnPlace): Promise<TurnRecord> {
  const stored = await mustFindTurn(deps, place);
  if (isEnded(stored.record.status)) return stored.record;
  const ref: TurnRef = { ...place, idempotencyHashes: stored.idempotencyHashes };
  // It may move from waiting to running, or end, between two looks; each look finds it further on.
  for (let tries = 0; tries < 5; tries += 1) {
    const asked = await deps.store.stop(ref, 'cancel');
    switch (asked) {
      case 'gone':
        throw new TurnwiseError('turn_not_found');
      case 'read':
      case 'ended':
        return (await mustFindTurn(deps, place)).record;
      case 'queued': {
        const withdrawn = await withdrawTurn(deps, ref, {
          outcome: 'cancelled',
          failure: null,
          ifIt: 'waits',
        });
        if (withdrawn === 'running') continue;
        return (await mustFindTurn(deps, place)).record;
      }
      case 'asked':
        return (await untilEnded(deps, place)) ?? (await seize(deps, ref));
      default:
        assertNever(asked);
    }
  }
  throw new TurnwiseError('internal', { cause: new Error('a turn could not be cancelled') });
}

async function untilEnded(deps: TurnDeps, place: TurnPlace): Promise<TurnRecord | null> {
  const until = performance.now() + STOP_WITHIN_MS;
  while (performance.now() < until) {
    await sleep(LOOK_EVERY_MS);
    const { record } = await mustFindTurn(deps, place);
    if (isEnded(record.status)) return record;
  }
  return null;
}

async function seize(deps: TurnDeps, ref: TurnRef): Promise<TurnRecord> {
  const claimed = await deps.takeover.claim(ref, 'seize');
  if (claimed.kind === 'seized') await endSeized(deps, ref, claimed);
  const { record } = await mustFindTurn(deps, ref);
  // Somebody else has it by now, or the record cannot be written: to ask again is all that helps.
  if (!isEnded(record.status)) throw new TurnwiseError('redis_unavailable');
  return record;
}
