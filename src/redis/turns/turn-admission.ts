import { openingOf, textOfInput } from '../../conversation/input.ts';
import type {
  Admission,
  Admitted,
  Confirmed,
  Exists,
  Joined,
  Joining,
  KeyUse,
  RepeatConfirmed,
  TurnAdmission,
} from '../../conversation/ports/admission.ts';
import { type SessionRef, titleFrom } from '../../conversation/session.ts';
import type { TurnProfile, TurnRef } from '../../conversation/turn.ts';
import { sessionTag } from '../keys.ts';
import { SCRIPTS } from '../scripts.ts';
import { COMMAND_TIMEOUT_MS } from '../server/connect.ts';
import { answered } from '../server/failures.ts';
import { HISTORY_TAIL } from '../sessions/history-cache.ts';
import { corrupt } from '../sessions/message-codec.ts';
import { encodeInput, encodeProfile } from './turn-codec.ts';
import type { TurnContext } from './turn-context.ts';

/** Longest that an admission may wait for Redis: past it the caller has had its 503. */
const ADMISSION_MS = COMMAND_TIMEOUT_MS;

/** Which messages are accepted: new turns, messages that join one, and repeats of either. */
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
    const { client, layout, clock, running, settings } = this.#context;
    // It would fail anyway, but then it would not be known whether it had been sent.
    if (client.status !== 'ready' || !layout.isOurs) return { kind: 'unsent' };
    // Sent together, before the reply says whether it is admitted: a turn whose replica dies before that reply would
    // block its session, and no replica would look for it.
    const listing = answered(running.add(admission.turn, clock.nowMs() + settings.leaseMs));
    const [admitted, listed] = await Promise.allSettled([this.#admit(admission), listing]);
    if (admitted.status === 'rejected') throw admitted.reason;
    const isAdmitted = admitted.value.kind === 'granted' || admitted.value.kind === 'queued';
    if (!isAdmitted) running.remove(admission.turn);
    else if (listed.status === 'rejected') throw listed.reason;
    return admitted.value;
  }

  async #admit({ turn, input, profile, follows, onBusy, ownerAsGiven, key }: Admission): Promise<Admitted> {
    const { client, cache, keys, settings } = this.#context;
    const tag = sessionTag(turn.session);
    const record = {
      ...encodeProfile(profile),
      caller: ownerAsGiven,
      text_bytes: String(Buffer.byteLength(textOfInput(input))),
    };
    const message = encodeInput(input);
    const admit = (deadline: number) =>
      SCRIPTS.admitTurn.run(client, this.#context.keysOf(turn, hashesOf(key)), {
        turn_id: turn.turnId,
        replica: settings.replicaId,
        session: tag,
        not_after_ms: deadline,
        session_ttl_ms: settings.sessionTtlMs,
        lease_ms: settings.leaseMs,
        queue_max: settings.queueMax,
        on_busy: onBusy,
        follows: follows ?? '',
        parent: parentOf(profile),
        key_value: key?.value ?? '',
        replaces_value: key?.replaces ?? '',
        known: cache.known(tag),
        tail: HISTORY_TAIL,
        channels: keys.replicaChannelPrefix,
        owner: ownerAsGiven,
        message,
        title: titleFrom(openingOf(input)),
        profile: Object.entries(record).flat(),
      });
    // Images of many callers at once would hold up the beats of running turns.
    const gate = this.#context.gates.of(this.#context.sessionKeys(turn).meta);
    const reply = await gate.passWithin(Buffer.byteLength(message), ADMISSION_MS, () => this.#inTime(admit));
    if (reply === null) return { kind: 'unsent' };
    switch (reply.word) {
      case 'GRANTED':
        this.#admitted(turn, key, reply.now_ms, reply.renewed === 1);
        return { kind: 'granted', grant: this.#context.grantOf(turn, reply) };
      case 'QUEUED':
        this.#admitted(turn, key, reply.now_ms, true);
        return { kind: 'queued', position: reply.position };
      case 'JOIN':
        return { kind: 'join', turnId: reply.turn_id };
      case 'EXISTS':
        return existsOf(reply);
      case 'BUSY':
        return { kind: 'busy', turnId: reply.turn_id, position: reply.position };
      case 'PASSED':
        return { kind: 'passed' };
      case 'FULL':
        return { kind: 'full' };
      case 'LATE':
        return { kind: 'late' };
      case 'CORRUPT':
        throw corrupt(turn.session, 'history and metadata do not fit together');
    }
  }

  #admitted(turn: TurnRef, key: KeyUse | null, nowMs: number, isRenewed: boolean): void {
    if (isRenewed) this.#context.touched(turn, nowMs);
    else this.#context.clock.learn(nowMs);
    this.#context.hashes.learn(turn, hashesOf(key));
  }

  async join({ turn, joinerId, input, profile, key }: Joining): Promise<Joined> {
    const { client, settings } = this.#context;
    const { agent, model, options } = encodeProfile(profile);
    const reply = await this.#inTime((deadline) =>
      SCRIPTS.joinTurn.run(client, this.#context.keysOf(turn, hashesOf(key)), {
        turn_id: turn.turnId,
        joiner_id: joinerId,
        not_after_ms: deadline,
        session_ttl_ms: settings.sessionTtlMs,
        most_bytes: settings.maxMessageBytes,
        text_bytes: Buffer.byteLength(textOfInput(input)),
        message: encodeInput(input),
        key_value: key?.value ?? '',
        replaces_value: key?.replaces ?? '',
        ...{ agent, model, options },
      }),
    );
    switch (reply.word) {
      case 'OK':
        this.#context.touched(turn, reply.now_ms);
        return { kind: 'joined' };
      case 'EXISTS':
        return existsOf(reply);
      case 'STALE':
        return { kind: 'stale' };
      case 'LATE':
        return { kind: 'late' };
      case 'TOO_LARGE':
        return { kind: 'too_large' };
    }
  }

  async unjoin({ turn, joinerId, key }: Joining): Promise<void> {
    const keys = this.#recordAndKeys(turn, key);
    await SCRIPTS.unjoinTurn.run(this.#context.client, keys, { joiner_id: joinerId });
  }

  async confirm(turn: TurnRef): Promise<Confirmed> {
    const { client, settings } = this.#context;
    const record = this.#context.sessionKeys(turn).turn(turn.turnId);
    const reply = await this.#inTime((deadline) =>
      SCRIPTS.confirmTurn.run(
        client,
        { turn: record },
        { replica: settings.replicaId, not_after_ms: deadline },
      ),
    );
    switch (reply.word) {
      case 'OK':
        return 'ok';
      case 'LATE':
        return 'late';
      case 'TAKEN':
        return 'taken';
      case 'GONE':
        return 'gone';
    }
  }

  async confirmRepeat(turn: TurnRef, key: KeyUse): Promise<RepeatConfirmed> {
    const keys = this.#recordAndKeys(turn, key);
    const reply = await this.#inTime((deadline) =>
      SCRIPTS.confirmRepeat.run(this.#context.client, keys, { key_value: key.value, not_after_ms: deadline }),
    );
    switch (reply.word) {
      case 'OK':
        return 'ok';
      case 'LATE':
        return 'late';
      case 'GONE':
        return 'gone';
    }
  }

  #recordAndKeys(turn: TurnRef, key: KeyUse | null): { turn: string; idempotency: readonly string[] } {
    const keys = this.#context.sessionKeys(turn);
    return { turn: keys.turn(turn.turnId), idempotency: hashesOf(key).map(keys.idempotency) };
  }

  /**
   * Sends a script that carries a deadline. A reply that comes in time and says late means that our estimate of Redis'
   * clock was wrong: it is corrected, and the script sent once more.
   */
  async #inTime<R extends { readonly word: string }>(send: (deadline: number) => Promise<R>): Promise<R> {
    const first = await this.#send(send);
    return first.word === 'LATE' ? this.#send(send) : first;
  }

  async #send<R extends { readonly word: string }>(send: (deadline: number) => Promise<R>): Promise<R> {
    const reply = await send(this.#deadline());
    if (reply.word === 'LATE' && 'now_ms' in reply) this.#context.clock.learn(Number(reply.now_ms));
    return reply;
  }

  /** 0, which is no deadline, while Redis' clock is not known yet. */
  #deadline(): number {
    const nowMs = this.#context.clock.nowMs();
    return nowMs === 0 ? 0 : nowMs + ADMISSION_MS;
  }
}

function parentOf({ options: { history } }: TurnProfile): string {
  return history?.kind === 'fork' ? history.of : '';
}

function hashesOf(key: KeyUse | null): readonly string[] {
  return key === null ? [] : [key.keyHash];
}

function existsOf({ value, acknowledged }: { value: string; acknowledged: number }): Exists {
  return { kind: 'exists', value, isAcknowledged: acknowledged === 1 };
}
