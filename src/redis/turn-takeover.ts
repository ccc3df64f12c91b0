import { BEFORE_ALL, parseEventId } from '../conversation/events.ts';
import type { Claimed, TurnPlace, TurnRef, TurnTakeover } from '../conversation/ports.ts';
import type { SessionRef } from '../conversation/session.ts';
import { isStopKind } from '../conversation/turn.ts';
import { answered } from './failures.ts';
import { sessionTag } from './keys.ts';
import { ScriptReply } from './replies.ts';
import { RELEASED_MS } from './running-index.ts';
import { HISTORY_TAIL, type TurnContext } from './turn-context.ts';

/** What happens to the turns of a replica that died, sleeps or leaves. */
export class RedisTurnTakeover implements TurnTakeover {
  readonly #context: TurnContext;

  constructor(context: TurnContext) {
    this.#context = context;
  }

  async claim(turn: TurnRef, mode: 'dead' | 'seize'): Promise<Claimed> {
    const known = this.#context.cache.known(sessionTag(turn.session));
    const settings = this.#context.settings;
    const raw = await answered(
      this.#context.client.claimTurn(
        ...this.#context.keysOf(turn),
        turn.turnId,
        settings.replicaId,
        sessionTag(turn.session),
        settings.sessionTtlMs,
        settings.leaseMs,
        settings.maxAttempts,
        mode,
        known,
        HISTORY_TAIL,
        this.#context.keys.replicaChannelPrefix,
        this.#context.sessionKeys(turn).watch(turn.turnId),
        settings.maxTotalMs,
      ),
    );
    const reply = new ScriptReply(raw);
    const leaseEndMs = this.#context.clock.nowMs() + settings.leaseMs;
    switch (reply.word) {
      case 'GRANTED':
        this.#context.running.extend(turn, leaseEndMs);
        return { kind: 'granted', grant: this.#context.openGrant(turn, reply) };
      case 'ADOPTED':
        this.#context.running.extend(turn, leaseEndMs);
        return {
          kind: 'adopted',
          isConfirmed: reply.number(1) === 1,
          last: parseEventId(reply.text(2)) ?? BEFORE_ALL,
          waitedMs: reply.number(3),
        };
      case 'SEIZED': {
        this.#context.running.extend(turn, leaseEndMs);
        const [why, stop] = [reply.text(1), reply.text(2)];
        return {
          kind: 'seized',
          why: why === 'exhausted' || why === 'unconfirmed' ? why : 'stopped',
          stop: isStopKind(stop) ? stop : 'cancel',
          fence: reply.text(3),
          attempt: reply.number(4),
          messageCount: reply.number(5),
        };
      }
      case 'ALIVE':
        this.#context.running.extend(turn, reply.number(1));
        return { kind: 'alive', untilMs: reply.number(1) };
      case 'GONE':
        this.#context.running.remove(turn);
        return { kind: 'gone' };
      case 'ENDED':
        this.#context.running.remove(turn);
        return { kind: 'ended' };
      default:
        return reply.unexpected('claim-turn');
    }
  }

  async release(turn: TurnRef, lockValue: string | null): Promise<void> {
    const word = await answered(
      this.#context.client.releaseTurn(
        6,
        ...this.#context.keysOfRecord(turn),
        turn.turnId,
        this.#context.settings.replicaId,
        lockValue ?? '',
      ),
    );
    if (word === 'OK') await answered(this.#context.running.add(turn, RELEASED_MS));
  }

  suspect(session: SessionRef, turnId: string): Promise<void> {
    const graceMs = this.#context.settings.leaseMs;
    return answered(
      this.#context.running.suspect({ session, turnId }, this.#context.clock.nowMs() + graceMs),
    );
  }

  async overdue(limit: number, which: 'all' | 'released'): Promise<readonly TurnPlace[]> {
    const { client, clock, running } = this.#context;
    // Asked each time: without it a replica that has nothing else to do would never learn that a lease is over.
    await answered(clock.ask(client));
    return answered(running.overdue(which === 'all' ? clock.nowMs() : RELEASED_MS + 1, limit));
  }

  forget(place: TurnPlace): void {
    this.#context.running.remove(place);
  }
}
