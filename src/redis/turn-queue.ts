import type { TurnEvent } from '../conversation/events.ts';
import type { Opened, TurnQueue, TurnRef, Withdrawal, Withdrawn } from '../conversation/ports.ts';
import { answered } from './failures.ts';
import { sessionTag } from './keys.ts';
import { corrupt } from './message-codec.ts';
import { ScriptReply } from './replies.ts';
import { HISTORY_TAIL, recordFields, type TurnContext } from './turn-context.ts';

/** Order: who is next, who leaves. */
export class RedisTurnQueue implements TurnQueue {
  readonly #context: TurnContext;

  constructor(context: TurnContext) {
    this.#context = context;
  }

  async open(turn: TurnRef): Promise<Opened> {
    const known = this.#context.cache.known(sessionTag(turn.session));
    const settings = this.#context.settings;
    this.#context.running.extend(turn, this.#context.clock.nowMs() + settings.leaseMs);
    const raw = await answered(
      this.#context.client.openTurn(
        ...this.#context.keysOf(turn),
        turn.turnId,
        settings.replicaId,
        sessionTag(turn.session),
        settings.sessionTtlMs,
        settings.leaseMs,
        known,
        HISTORY_TAIL,
        this.#context.keys.replicaChannelPrefix,
      ),
    );
    const reply = new ScriptReply(raw);
    switch (reply.word) {
      case 'GRANTED':
        this.#context.seen(turn, reply);
        return { kind: 'granted', grant: this.#context.openGrant(turn, reply) };
      case 'WAITING':
        this.#context.seen(turn, reply);
        return {
          kind: 'waiting',
          position: reply.number(2),
          staleTurnId: reply.number(4) < reply.number(1) ? reply.text(3) || null : null,
          idempotencyHashes: reply.texts(5),
        };
      case 'GONE':
        return { kind: 'gone' };
      case 'TAKEN':
        return { kind: 'taken' };
      case 'ENDED':
        return { kind: 'ended' };
      case 'CORRUPT':
        throw corrupt(turn.session, 'history and metadata do not fit together');
      default:
        return reply.unexpected('open-turn');
    }
  }

  async withdraw(turn: TurnRef, ending: Withdrawal): Promise<Withdrawn> {
    for (let idempotencyHashes = turn.idempotencyHashes; ; ) {
      const answer = await this.#withdrawOnce({ ...turn, idempotencyHashes }, ending);
      if (typeof answer === 'string') return answer;
      const named = idempotencyHashes;
      idempotencyHashes = answer.idempotencyHashes;
      // Edited: else each try hears of one more that joined.
      if (idempotencyHashes.every((hash) => named.includes(hash))) {
        throw corrupt(turn.session, `the record of turn ${turn.turnId} cannot be read`);
      }
    }
  }

  async #withdrawOnce(
    turn: TurnRef,
    ending: Withdrawal,
  ): Promise<Withdrawn | { readonly idempotencyHashes: readonly string[] }> {
    const event: TurnEvent =
      ending.failure === null
        ? { type: 'cancelled', kept: false, messageCount: 0 }
        : { type: 'error', ...ending.failure };
    const raw = await answered(
      this.#context.client.withdrawTurn(
        ...this.#context.keysOf(turn),
        turn.turnId,
        sessionTag(turn.session),
        ending.outcome,
        this.#context.settings.logTtlMs,
        JSON.stringify(event),
        recordFields(false, ending.failure, {}),
        this.#context.keys.replicaChannelPrefix,
        this.#context.sessionKeys(turn).watch(turn.turnId),
        this.#context.settings.replicaId,
        ending.failure?.code ?? 'cancelled',
        ending.ifIt,
      ),
    );
    const reply = new ScriptReply(raw);
    switch (reply.word) {
      case 'OK':
        this.#context.running.remove(turn);
        return 'ok';
      case 'GONE':
        return 'gone';
      case 'ENDED':
        return 'ended';
      case 'RUNNING':
        return 'running';
      case 'TOLD':
        return 'told';
      case 'STALE':
        return { idempotencyHashes: reply.texts(1) };
      default:
        return reply.unexpected('withdraw-turn');
    }
  }
}
