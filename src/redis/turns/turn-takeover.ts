import { BEFORE_ALL, parseEventId } from '../../conversation/events.ts';
import type { Claimed, OverdueTurn, TurnTakeover } from '../../conversation/ports/turns.ts';
import { isStopKind, type TurnRef } from '../../conversation/turn.ts';
import { sessionTag } from '../keys.ts';
import { SCRIPTS } from '../scripts.ts';
import { answered } from '../server/failures.ts';
import { HISTORY_TAIL } from '../sessions/history-cache.ts';
import { corrupt } from '../sessions/message-codec.ts';
import { RELEASED_MS } from './running-index.ts';
import type { TurnContext } from './turn-context.ts';

/** Takes over the turns of a replica that died, hangs or shuts down. */
export class RedisTurnTakeover implements TurnTakeover {
  readonly #context: TurnContext;

  constructor(context: TurnContext) {
    this.#context = context;
  }

  async claim(turn: TurnRef, mode: 'dead' | 'seize'): Promise<Claimed> {
    const { cache, clock, keys, running, settings } = this.#context;
    const tag = sessionTag(turn.session);
    const reply = await this.#context.run(SCRIPTS.claimTurn, turn, () => ({
      turn_id: turn.turnId,
      replica: settings.replicaId,
      session: tag,
      session_ttl_ms: settings.sessionTtlMs,
      lease_ms: settings.leaseMs,
      most_deaths: settings.maxAttempts,
      most_ran_ms: settings.maxTotalMs,
      mode,
      known: cache.known(tag),
      tail: HISTORY_TAIL,
      channels: keys.replicaChannelPrefix,
      watch_channel: keys.session(turn.session).watch(turn.turnId),
    }));
    const leaseEndMs = clock.nowMs() + settings.leaseMs;
    switch (reply.word) {
      case 'GRANTED':
        running.extend(turn, leaseEndMs);
        return { kind: 'granted', grant: this.#context.grantedTurnOf(turn, reply) };
      case 'ADOPTED': {
        running.extend(turn, leaseEndMs);
        const last = parseEventId(reply.last_id) ?? BEFORE_ALL;
        return {
          kind: 'adopted',
          isConfirmed: reply.confirmed === 1,
          last,
          waitedMs: reply.waited_ms,
          onDisconnect: reply.on_disconnect === 'cancel' ? 'cancel' : 'continue',
        };
      }
      case 'SEIZED': {
        running.extend(turn, leaseEndMs);
        const { why, stop, fence, count } = reply;
        return {
          kind: 'seized',
          why: why === 'exhausted' || why === 'unconfirmed' ? why : 'stopped',
          stop: isStopKind(stop) ? stop : 'cancel',
          fence,
          messageCount: count,
        };
      }
      case 'ALIVE':
        running.extend(turn, reply.until_ms);
        return { kind: 'alive', untilMs: reply.until_ms };
      case 'GONE':
        this.#context.forget(turn);
        return { kind: 'gone' };
      case 'ENDED':
        this.#context.forget(turn);
        return { kind: 'ended' };
      case 'CORRUPT':
        throw corrupt(turn.session, `turn ${turn.turnId} and its session do not fit together`);
    }
  }

  async release(turn: TurnRef, lockValue: string | null): Promise<void> {
    const { client, running, settings } = this.#context;
    const { word } = await SCRIPTS.releaseTurn.run(client, this.#context.keysOf(turn, []), {
      turn_id: turn.turnId,
      replica: settings.replicaId,
      lock_value: lockValue ?? '',
    });
    if (word === 'OK') await answered(running.add(turn, RELEASED_MS));
  }

  suspect(turn: TurnRef): Promise<void> {
    const { clock, running, settings } = this.#context;
    return answered(running.suspect(turn, clock.nowMs() + settings.leaseMs));
  }

  async overdue(limit: number, which: 'all' | 'released'): Promise<readonly OverdueTurn[]> {
    const { client, clock, running } = this.#context;
    // Asked each time: otherwise a replica that has nothing else to do would never learn that a lease has expired.
    await answered(clock.ask(client));
    const nowMs = clock.nowMs();
    const found = await answered(running.overdue(which === 'all' ? nowMs : RELEASED_MS + 1, limit));
    return found.map(({ turn, leaseEndMs }) => ({
      turn,
      overdueMs: leaseEndMs === RELEASED_MS ? 0 : Math.max(0, nowMs - leaseEndMs),
    }));
  }

  forget(turn: TurnRef): void {
    this.#context.running.remove(turn);
  }
}
