import type {
  Admission,
  Admitted,
  Confirmed,
  Exists,
  Joined,
  Joining,
  RepeatConfirmed,
  TurnAdmission,
} from '../conversation/admission-port.ts';
import type { TurnRef } from '../conversation/ports.ts';
import { type SessionRef, titleFrom } from '../conversation/session.ts';
import { COMMAND_TIMEOUT_MS } from './connect.ts';
import { answered } from './failures.ts';
import { sessionTag } from './keys.ts';
import { corrupt } from './message-codec.ts';
import { ScriptReply } from './replies.ts';
import { HISTORY_TAIL, type TurnContext } from './turn-context.ts';

/** Longest that an admission may wait in front of Redis, in ms: past it the caller has had its 503. */
const ADMISSION_MS = COMMAND_TIMEOUT_MS;

/** Who is taken in: a new turn, a message that joins one, and who asks for either again. */
export class RedisTurnAdmission implements TurnAdmission {
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
    const [admitted, listed] = await Promise.allSettled([this.#admit(admission), listing]);
    if (admitted.status === 'rejected') throw admitted.reason;
    const isIn = admitted.value.kind === 'granted' || admitted.value.kind === 'queued';
    if (!isIn) running.remove(admission.turn);
    else if (listed.status === 'rejected') throw listed.reason;
    return admitted.value;
  }

  async #admit(admission: Admission): Promise<Admitted> {
    const { turn } = admission;
    const settings = this.#context.settings;
    const tag = sessionTag(turn.session);
    const reply = await this.#inTime((deadline) =>
      this.#context.client.admitTurn(
        8,
        ...this.#context.keysToAdmit(turn),
        turn.turnId,
        settings.replicaId,
        tag,
        deadline,
        settings.sessionTtlMs,
        settings.leaseMs,
        settings.queueMax,
        admission.onBusy,
        admission.idempotencyValue ?? '',
        admission.replacesIdempotencyValue ?? '',
        this.#context.cache.known(tag),
        HISTORY_TAIL,
        this.#context.keys.replicaChannelPrefix,
        admission.ownerAsGiven,
        admission.message,
        titleFrom(admission.message),
      ),
    );
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
        return existsOf(reply);
      case 'BUSY':
        return { kind: 'busy', turnId: reply.text(1), position: reply.number(2) };
      case 'FULL':
        return { kind: 'full' };
      case 'LATE':
        return { kind: 'late' };
      case 'CORRUPT':
        throw corrupt(turn.session, 'history and metadata do not fit together');
      default:
        return reply.unexpected('admit-turn');
    }
  }

  async join(joining: Joining): Promise<Joined> {
    const { turn } = joining;
    const { client, settings } = this.#context;
    const reply = await this.#inTime((deadline) =>
      client.joinTurn(
        8,
        ...this.#context.keysToAdmit(turn),
        turn.turnId,
        deadline,
        settings.sessionTtlMs,
        settings.maxMessageBytes,
        joining.message,
        joining.idempotencyValue ?? '',
        joining.replacesIdempotencyValue ?? '',
        joining.joinerId,
      ),
    );
    switch (reply.word) {
      case 'OK':
        this.#context.seen(turn, reply);
        return { kind: 'joined' };
      case 'EXISTS':
        return existsOf(reply);
      case 'STALE':
        return { kind: 'stale' };
      case 'LATE':
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
    const { client, settings } = this.#context;
    const key = this.#context.sessionKeys(turn).turn(turn.turnId);
    const reply = await this.#inTime((deadline) => client.confirmTurn(1, key, settings.replicaId, deadline));
    switch (reply.word) {
      case 'OK':
        return 'ok';
      case 'LATE':
        return 'late';
      case 'TAKEN':
        return 'taken';
      case 'GONE':
        return 'gone';
      default:
        return reply.unexpected('confirm-turn');
    }
  }

  async confirmRepeat(turn: TurnRef, idempotencyValue: string): Promise<RepeatConfirmed> {
    const keys = this.#context.sessionKeys(turn);
    const [hash = null] = turn.idempotencyHashes;
    const reply = await this.#inTime((deadline) =>
      this.#context.client.confirmRepeat(
        2,
        keys.turn(turn.turnId),
        keys.idempotency(hash),
        idempotencyValue,
        deadline,
      ),
    );
    switch (reply.word) {
      case 'OK':
        return 'ok';
      case 'LATE':
        return 'late';
      case 'GONE':
        return 'gone';
      default:
        return reply.unexpected('confirm-repeat');
    }
  }

  /**
   * Sends a script that carries a deadline. One that comes in time and says late means that our idea of Redis' clock was
   * wrong: it is mended, and the script sent once more.
   */
  async #inTime(send: (deadline: number) => Promise<unknown>): Promise<ScriptReply> {
    const first = await this.#send(send);
    return first.word === 'LATE' ? this.#send(send) : first;
  }

  async #send(send: (deadline: number) => Promise<unknown>): Promise<ScriptReply> {
    const reply = new ScriptReply(await answered(send(this.#deadline())));
    if (reply.word === 'LATE') this.#context.clock.learn(reply.number(1));
    return reply;
  }

  /** 0, which is always in time, while Redis' clock is not known yet. */
  #deadline(): number {
    const nowMs = this.#context.clock.nowMs();
    return nowMs === 0 ? 0 : nowMs + ADMISSION_MS;
  }
}

function existsOf(reply: ScriptReply): Exists {
  return { kind: 'exists', idempotencyValue: reply.text(1), isTold: reply.number(2) === 1 };
}
