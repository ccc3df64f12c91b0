import { eventToJson } from '../../conversation/events.ts';
import type { Opened, TurnQueue, Withdrawal, Withdrawn } from '../../conversation/ports/turns.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import { sessionTag } from '../keys.ts';
import { SCRIPTS } from '../scripts.ts';
import { HISTORY_TAIL } from '../sessions/history-cache.ts';
import { corrupt } from '../sessions/message-codec.ts';
import { encodeFailure } from './turn-codec.ts';
import type { TurnContext } from './turn-context.ts';

/** The order of turns: which is next, and which is withdrawn. */
export class RedisTurnQueue implements TurnQueue {
  readonly #context: TurnContext;

  constructor(context: TurnContext) {
    this.#context = context;
  }

  async open(turn: TurnRef): Promise<Opened> {
    const { cache, clock, keys, running, settings } = this.#context;
    const tag = sessionTag(turn.session);
    running.extend(turn, clock.nowMs() + settings.leaseMs);
    const reply = await this.#context.run(SCRIPTS.openTurn, turn, () => ({
      turn_id: turn.turnId,
      replica: settings.replicaId,
      session: tag,
      session_ttl_ms: settings.sessionTtlMs,
      lease_ms: settings.leaseMs,
      known: cache.known(tag),
      tail: HISTORY_TAIL,
      channels: keys.replicaChannelPrefix,
    }));
    switch (reply.word) {
      case 'GRANTED':
        this.#context.touched(turn, reply.now_ms);
        return { kind: 'granted', grant: this.#context.grantedTurnOf(turn, reply) };
      case 'WAITING': {
        this.#context.touched(turn, reply.now_ms);
        const isStale = reply.running_turn !== '' && reply.running_lease_ms < reply.now_ms;
        return {
          kind: 'waiting',
          position: reply.position,
          staleTurnId: isStale ? reply.running_turn : null,
        };
      }
      case 'GONE':
        return { kind: 'gone' };
      case 'TAKEN':
        return { kind: 'taken' };
      case 'ENDED':
        return { kind: 'ended' };
      case 'CORRUPT':
        throw corrupt(turn.session, 'history and metadata do not fit together');
    }
  }

  async withdraw(turn: TurnRef, { outcome, failure, condition }: Withdrawal): Promise<Withdrawn> {
    const { keys, settings } = this.#context;
    const reply = await this.#context.run(SCRIPTS.withdrawTurn, turn, () => ({
      turn_id: turn.turnId,
      session: sessionTag(turn.session),
      replica: settings.replicaId,
      outcome,
      log_ttl_ms: settings.logTtlMs,
      condition,
      event: JSON.stringify(
        eventToJson(
          failure === null
            ? { type: 'cancelled', kept: false, messageCount: 0 }
            : { type: 'error', ...failure },
        ),
      ),
      failure: encodeFailure(failure),
      code: failure?.code ?? 'cancelled',
      channels: keys.replicaChannelPrefix,
      watch_channel: keys.session(turn.session).watch(turn.turnId),
    }));
    switch (reply.word) {
      case 'OK':
        this.#context.forget(turn);
        return 'ok';
      case 'GONE':
        return 'gone';
      case 'ENDED':
        return 'ended';
      case 'RUNNING':
        return 'running';
      case 'DEPENDED_ON':
        return 'depended_on';
    }
  }
}
