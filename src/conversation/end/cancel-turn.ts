import { performance } from 'node:perf_hooks';
import { assertNever, TurnwiseError } from '../../errors.ts';
import type { Uses } from '../ports/core.ts';
import { findTurn } from '../read/find-turn.ts';
import { hasEnded, type TurnRef } from '../turn.ts';
import { Wakeup } from '../waiting.ts';
import { endSeized } from './end-seized.ts';
import { withdrawTurn } from './withdraw-turn.ts';

/** How long the running replica has to stop it by itself; the caller gets its reply within a second. */
const STOP_WITHIN_MS = 550;

/** Polls as well, in case the announcement of the end is lost. */
const LOOK_EVERY_MS = 100;

type CancelPorts = Uses<'store' | 'queue' | 'takeover' | 'log' | 'limits' | 'observer'>;

/**
 * Cancels a turn, wherever it waits or runs, and returns once it has ended. A replica that does not respond is fenced,
 * and the turn is ended from its log.
 *
 * @throws turn_not_found, redis_unavailable
 */
export async function cancelTurn(ports: CancelPorts, turn: TurnRef): Promise<void> {
  if (await isEnded(ports, turn)) return;
  // It may be granted or end between two tries, so each try can find it further on.
  for (let tries = 0; tries < 5; tries += 1) {
    const asked = await ports.store.stop(turn, 'cancel');
    switch (asked) {
      case 'gone':
        throw new TurnwiseError('turn_not_found');
      case 'read':
      case 'ended':
        return;
      case 'queued': {
        const withdrawn = await withdrawTurn(ports, turn, {
          outcome: 'cancelled',
          failure: null,
          condition: 'waits',
        });
        if (withdrawn === 'running') continue;
        return;
      }
      case 'asked':
        if (!(await endsInTime(ports, turn))) await seize(ports, turn);
        return;
      default:
        assertNever(asked);
    }
  }
  throw new TurnwiseError('internal', { cause: new Error('a turn could not be cancelled') });
}

async function endsInTime(ports: Uses<'store' | 'log'>, turn: TurnRef): Promise<boolean> {
  const untilMs = performance.now() + STOP_WITHIN_MS;
  const wakeup = new Wakeup();
  const stop = await ports.log.watch(turn, () => wakeup.call());
  try {
    for (;;) {
      if (await isEnded(ports, turn)) return true;
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0) return false;
      await wakeup.sleep(Math.min(leftMs, LOOK_EVERY_MS));
    }
  } finally {
    stop();
  }
}

async function seize(ports: CancelPorts, turn: TurnRef): Promise<void> {
  const claimed = await ports.takeover.claim(turn, 'seize');
  if (claimed.kind === 'seized') await endSeized(ports, turn, claimed);
  // Another replica has it by now, or the record cannot be written: only a retry can help.
  if (!(await isEnded(ports, turn))) throw new TurnwiseError('redis_unavailable');
}

async function isEnded(ports: Uses<'store'>, turn: TurnRef): Promise<boolean> {
  return hasEnded((await findTurn(ports, turn)).record.status);
}
