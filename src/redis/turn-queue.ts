import type { TurnEvent } from '../conversation/events.ts';
import type {
  Admission,
  Admitted,
  Confirmed,
  Joined,
  Joining,
  Opened,
  TurnQueue,
  TurnRef,
  Withdrawal,
  Withdrawn,
} from '../conversation/ports.ts';
import { type SessionRef, titleFrom } from '../conversation/session.ts';
import { COMMAND_TIMEOUT_MS } from './connect.ts';
import { answered } from './failures.ts';
import { sessionTag } from './keys.ts';
import { corrupt } from './message-codec.ts';
import { ScriptReply } from './replies.ts';
import { HISTORY_TAIL, recordFields, type TurnContext } from './turn-context.ts';

/** Longest that an admission may wait in front of Redis, in ms: past it the caller has had its 503. */
const ADMISSION_MS = COMMAND_TIMEOUT_MS;

/** Order: who is taken in, who is next, who leaves. */
export class RedisTurnQueue implements TurnQueue {
  readonly #context: TurnContext;

  constructor(context: TurnContext) {
    this.#context = context;
  }

  async knows(session: SessionRef, keyHash: string): Promise<boolean> {
    const key = this.#context.keys.session(session).idempotency(keyHash);
    return (await answered(this.#context.client.exists(key))) === 1;
  }

  async admit(admission: Admission): Promise<Admitted> {
    const { client, clock, running, settings } = this.#context;
    // It would fail all the same, but then nobody could say whether it had been sent.
    if (client.status !== 'ready') return { kind: 'unsent' };
    // Sent in one go, and before anybody knows whether it is taken in: a turn whose replica dies before it hears so
    // would stand in the way of all others, and nobody would look for it.
    const listing = answered(running.add(admission.turn, clock.nowMs() + settings.leaseMs));
    const [admitted, listed] = await Promise.allSettled([this.#admitInTime(admission), listing]);
    if (admitted.status === 'rejected') throw admitted.reason;
    const isIn = admitted.value.kind === 'granted' || admitted.value.kind === 'queued';
    if (!isIn) running.remove(admission.turn);
    else if (listed.status === 'rejected') throw listed.reason;
    return admitted.value;
  }

  async #admitInTime(admission: Admission): Promise<Admitted> {
    const first = await this.#admitOnce(admission);
    return first.kind === 'late' ? this.#admitOnce(admission) : first;
  }

  /** An answer that comes in time and says late: our idea of Redis' clock was wrong; by then it is mended. */
  async #admitOnce(admission: Admission): Promise<Admitted> {
    const { turn } = admission;
    const settings = this.#context.settings;
    const tag = sessionTag(turn.session);
    const known = this.#context.cache.known(tag);
    const raw = await answered(
      this.#context.client.admitTurn(
        8,
        ...this.#context.keysToAdmit(turn),
        turn.turnId,
        settings.replicaId,
        tag,
        this.#deadline(),
        settings.sessionTtlMs,
        settings.leaseMs,
        settings.queueMax,
        admission.onBusy,
        admission.idempotencyValue ?? '',
        admission.replacesIdempotencyValue ?? '',
        known,
        HISTORY_TAIL,
        this.#context.keys.replicaChannelPrefix,
        admission.ownerAsGiven,
        admission.message,
        titleFrom(admission.message),
      ),
    );
    const reply = new ScriptReply(raw);
    switch (reply.word) {
      case 'GRANTED':
        this.#context.seen(turn, reply);
        return { kind: 'granted', grant: this.#context.grant(turn, reply) };
      case 'QUEUED':
        this.#context.seen(turn, reply);
        return { kind: 'queued', position: reply.number(2) };
      case 'JOIN':
        return { kind: 'join', turnId: reply.text(1) };
      case 'EXISTS':
        return { kind: 'exists', idempotencyValue: reply.text(1) };
      case 'BUSY':
        return { kind: 'busy', turnId: reply.text(1), position: reply.number(2) };
      case 'FULL':
        return { kind: 'full' };
      case 'LATE':
        this.#context.clock.learn(reply.number(1));
        return { kind: 'late' };
      case 'CORRUPT':
        throw corrupt(turn.session, 'history and metadata do not fit together');
      default:
        return reply.unexpected('admit-turn');
    }
  }

  async join(joining: Joining): Promise<Joined> {
    const first = await this.#joinOnce(joining);
    return first.kind === 'late' ? this.#joinOnce(joining) : first;
  }

  async #joinOnce(joining: Joining): Promise<Joined> {
    const { turn } = joining;
    const { client, settings } = this.#context;
    const raw = await answered(
      client.joinTurn(
        8,
        ...this.#context.keysToAdmit(turn),
        turn.turnId,
        this.#deadline(),
        settings.sessionTtlMs,
        settings.maxMessageBytes,
        joining.message,
        joining.idempotencyValue ?? '',
        joining.replacesIdempotencyValue ?? '',
        joining.joinerId,
      ),
    );
    const reply = new ScriptReply(raw);
    switch (reply.word) {
      case 'OK':
        this.#context.seen(turn, reply);
        return { kind: 'joined' };
      case 'EXISTS':
        return { kind: 'exists', idempotencyValue: reply.text(1) };
      case 'STALE':
        return { kind: 'stale' };
      case 'LATE':
        this.#context.clock.learn(reply.number(1));
        return { kind: 'late' };
      case 'TOO_LARGE':
        return { kind: 'too_large' };
      default:
        return reply.unexpected('join-turn');
    }
  }

  async unjoin(turn: TurnRef, joinerId: string): Promise<void> {
    const keys = this.#context.sessionKeys(turn);
    await answered(
      this.#context.client.unjoinTurn(
        2,
        keys.turn(turn.turnId),
        keys.idempotency(turn.idempotencyHashes[0] ?? null),
        joinerId,
      ),
    );
  }

  async confirm(turn: TurnRef): Promise<Confirmed> {
    const first = await this.#confirmOnce(turn);
    return first === 'late' ? this.#confirmOnce(turn) : first;
  }

  async #confirmOnce(turn: TurnRef): Promise<Confirmed> {
    const { client, clock, settings } = this.#context;
    const key = this.#context.sessionKeys(turn).turn(turn.turnId);
    const reply = new ScriptReply(
      await answered(client.confirmTurn(1, key, settings.replicaId, this.#deadline())),
    );
    switch (reply.word) {
      case 'OK':
        return 'ok';
      case 'LATE':
        clock.learn(reply.number(1));
        return 'late';
      case 'TAKEN':
        return 'taken';
      case 'GONE':
        return 'gone';
      default:
        return reply.unexpected('confirm-turn');
    }
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
      if (answer.kind !== 'stale') return answer;
      idempotencyHashes = answer.idempotencyHashes;
    }
  }

  async #withdrawOnce(
    turn: TurnRef,
    ending: Withdrawal,
  ): Promise<Withdrawn | { readonly kind: 'stale'; readonly idempotencyHashes: readonly string[] }> {
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
        ending.evenIfRunning ? this.#context.settings.replicaId : '',
        ending.failure?.code ?? 'cancelled',
      ),
    );
    const reply = new ScriptReply(raw);
    switch (reply.word) {
      case 'OK':
        this.#context.running.remove(turn);
        return { kind: 'ok' };
      case 'GONE':
        return { kind: 'gone' };
      case 'ENDED':
        return { kind: 'ended' };
      case 'RUNNING':
        return { kind: 'running' };
      case 'STALE':
        return { kind: 'stale', idempotencyHashes: reply.texts(1) };
      default:
        return reply.unexpected('withdraw-turn');
    }
  }

  /** 0, which is always in time, while Redis' clock is not known yet. */
  #deadline(): number {
    const nowMs = this.#context.clock.nowMs();
    return nowMs === 0 ? 0 : nowMs + ADMISSION_MS;
  }
}
