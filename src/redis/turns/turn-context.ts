import type { Grant, GrantedTurn } from '../../conversation/ports/turns.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import { type Keys, type SessionKeys, sessionTag } from '../keys.ts';
import type { Named, Replies, Reply, Script } from '../script.ts';
import type { GrantedReply, GrantedWorkReply, TURN } from '../scripts.ts';
import type { RedisClock } from '../server/clock.ts';
import type { Client } from '../server/connect.ts';
import type { Layout } from '../server/format.ts';
import type { HistoryCache } from '../sessions/history-cache.ts';
import type { IndexWriter } from '../sessions/index-writer.ts';
import { corrupt, decodeHistory } from '../sessions/message-codec.ts';
import { BulkGates } from './bulk-gates.ts';
import { memberOf, type RunningIndex } from './running-index.ts';
import { decodeInput, decodeProfile } from './turn-codec.ts';

export interface TurnSettings {
  readonly replicaId: string;
  readonly sessionTtlMs: number;
  readonly logTtlMs: number;
  readonly leaseMs: number;
  readonly queueMax: number;
  readonly maxMessages: number;
  readonly maxMessageBytes: number;
  readonly maxAttempts: number;
  /** Longest running time of all attempts of a turn. */
  readonly maxTotalMs: number;
}

const MOST_TURNS = 20_000;

/**
 * The idempotency keys of live turns. A script may only touch keys that are passed to it; it replies with the hashes
 * when some are missing, so what is forgotten here costs a round trip and nothing else.
 */
class IdempotencyHashes {
  readonly #byTurn = new Map<string, readonly string[]>();

  of(turn: TurnRef): readonly string[] {
    return this.#byTurn.get(memberOf(turn)) ?? [];
  }

  learn(turn: TurnRef, hashes: readonly string[]): void {
    if (hashes.length > 0) this.#byTurn.set(memberOf(turn), hashes);
    const [oldest] = this.#byTurn.keys();
    if (this.#byTurn.size > MOST_TURNS && oldest !== undefined) this.#byTurn.delete(oldest);
  }

  forget(turn: TurnRef): void {
    this.#byTurn.delete(memberOf(turn));
  }
}

/** What the adapters that run the scripts of a turn share. */
export class TurnContext {
  readonly client: Client;
  readonly layout: Readonly<Layout>;
  readonly keys: Keys;
  readonly clock: RedisClock;
  readonly cache: HistoryCache;
  readonly index: IndexWriter;
  readonly running: RunningIndex;
  readonly settings: TurnSettings;
  readonly hashes = new IdempotencyHashes();
  readonly gates: BulkGates;

  constructor(parts: {
    client: Client;
    layout: Readonly<Layout>;
    keys: Keys;
    clock: RedisClock;
    cache: HistoryCache;
    index: IndexWriter;
    running: RunningIndex;
    settings: TurnSettings;
  }) {
    this.client = parts.client;
    this.layout = parts.layout;
    this.keys = parts.keys;
    this.clock = parts.clock;
    this.cache = parts.cache;
    this.index = parts.index;
    this.running = parts.running;
    this.settings = parts.settings;
    this.gates = new BulkGates(parts.client);
  }

  sessionKeys(turn: TurnRef): SessionKeys {
    return this.keys.session(turn.session);
  }

  /** The keys of a session and of one turn of it. */
  keysOf(turn: TurnRef, hashes: readonly string[]): Named<typeof TURN, string> {
    const keys = this.sessionKeys(turn);
    const { meta, messages, queue, turns, lock } = keys;
    return {
      ...{ meta, messages, queue, turns, lock },
      turn: keys.turn(turn.turnId),
      log: keys.log(turn.turnId),
      idempotency: hashes.map((hash) => keys.idempotency(hash)),
    };
  }

  /**
   * Runs a script with the idempotency keys of a turn that are known here; sends it again when it names others.
   *
   * @param args  made anew for each try: a try may have to wait
   */
  async run<A extends string, R extends Replies>(
    script: Script<typeof TURN, A, R>,
    turn: TurnRef,
    args: () => Named<A, string | number>,
  ): Promise<Exclude<Reply<R>, { word: 'UNNAMED' }>> {
    for (let hashes = this.hashes.of(turn); ; ) {
      const reply = await script.run(this.client, this.keysOf(turn, hashes), args());
      if (isNamed(reply)) return reply;
      const named = unnamedHashes(reply);
      // The record was edited: otherwise each try learns of one more message that joined.
      if (named.every((hash) => hashes.includes(hash))) {
        throw corrupt(turn.session, `the record of turn ${turn.turnId} cannot be read`);
      }
      hashes = named;
      this.hashes.learn(turn, hashes);
    }
  }

  /** The TTL of the session was just renewed, at this time of Redis in ms. */
  touched(turn: TurnRef, nowMs: number): void {
    this.clock.learn(nowMs);
    this.index.touch(turn.session, nowMs + this.settings.sessionTtlMs);
  }

  /** The same at the end of a turn: its admission has made sure that the session is in the index. */
  prolonged(turn: TurnRef, nowMs: number): void {
    this.clock.learn(nowMs);
    this.index.prolong(turn.session, nowMs + this.settings.sessionTtlMs);
  }

  /** This replica has nothing more to do with a turn. */
  forget(turn: TurnRef): void {
    this.running.remove(turn);
    this.hashes.forget(turn);
  }

  /** @throws corrupt_session */
  grantOf(turn: TurnRef, reply: GrantedReply): Grant {
    const fresh = decodeHistory(turn.session, reply);
    const history = this.cache.merge(sessionTag(turn.session), fresh, reply.continues === 1);
    return { fence: reply.fence, attempt: reply.attempt, history };
  }

  /** @throws corrupt_session */
  grantedTurnOf(turn: TurnRef, reply: GrantedWorkReply): GrantedTurn {
    return {
      ...this.grantOf(turn, reply),
      input: reply.inputs.flatMap(decodeInput),
      profile: decodeProfile(reply),
      ranMs: reply.ran_ms,
    };
  }
}

function isNamed<T extends { readonly word: string }>(reply: T): reply is Exclude<T, { word: 'UNNAMED' }> {
  return reply.word !== 'UNNAMED';
}

function unnamedHashes(reply: object): readonly string[] {
  return 'hashes' in reply && Array.isArray(reply.hashes) ? reply.hashes.map(String) : [];
}
