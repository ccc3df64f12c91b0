import type { Message, SessionRef } from '../../conversation/session.ts';
import type { TurnRef } from '../../conversation/turn.ts';
import { assertNever } from '../../errors.ts';
import type {
  Examined,
  ReconcilePart,
  ReconcileReport,
  ReconcileStep,
  ReconcileStore,
  Repairs,
  SessionExaminer,
} from '../../upkeep/port.ts';
import type { Keys } from '../keys.ts';
import type { Client } from '../server/connect.ts';
import { answered } from '../server/failures.ts';
import { decodeMessage } from '../sessions/message-codec.ts';
import { IndexRepair, skippedFor } from './index-repair.ts';
import { RunningRepair } from './running-repair.ts';
import { chunks } from './scan.ts';
import { type Repaired, type RepairSettings, SessionRepair } from './session-repair.ts';
import { walkSessions } from './session-walk.ts';

/** Sessions repaired at once: a millisecond or two of Redis' time, so that turns hardly wait behind it. */
const SESSIONS_AT_ONCE = 50;

const MESSAGES_PER_STEP = 500;

/** Repairs and examines the stored data. */
export class RedisReconcileStore implements ReconcileStore, SessionExaminer {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #session: SessionRepair;
  readonly #index: IndexRepair;
  readonly #running: RunningRepair;

  constructor(client: Client, keys: Keys, settings: RepairSettings) {
    this.#client = client;
    this.#keys = keys;
    this.#session = new SessionRepair(client, keys, settings);
    this.#index = new IndexRepair(client, keys);
    this.#running = new RunningRepair(client, keys, settings.leaseMs);
  }

  walk(part: ReconcilePart, isDryRun: boolean): AsyncIterable<ReconcileStep> {
    switch (part) {
      case 'sessions':
        return this.#repairSessions(isDryRun);
      case 'index':
        return this.#index.prune(isDryRun);
      case 'running':
        return this.#running.prune(isDryRun);
      default:
        return assertNever(part);
    }
  }

  async *#repairSessions(isDryRun: boolean): AsyncGenerator<ReconcileStep> {
    for await (const { sessions, skipped } of walkSessions(this.#client, this.#keys)) {
      yield { scanned: 0, repairs: {}, skipped };
      for (const some of chunks(sessions, SESSIONS_AT_ONCE)) yield await this.#repairSome(some, isDryRun);
    }
  }

  async #repairSome(sessions: readonly SessionRef[], isDryRun: boolean): Promise<ReconcileStep> {
    const repaired = await Promise.all(sessions.map((session) => this.#session.repair(session, isDryRun)));
    const live = repaired.filter((one) => one.kind === 'ok');
    const turns = live.flatMap(({ session, runningTurnId, waitingTurnIds }): TurnRef[] =>
      [...(runningTurnId === null ? [] : [runningTurnId]), ...waitingTurnIds].map((turnId) => ({
        session,
        turnId,
      })),
    );
    const sum = (kind: keyof Repairs) => live.reduce((total, one) => total + (one.repairs[kind] ?? 0), 0);
    return {
      scanned: sessions.length,
      repairs: {
        counts_repaired: sum('counts_repaired'),
        queue_dropped: sum('queue_dropped'),
        ttl_repaired: sum('ttl_repaired'),
        sessions_freed: sum('sessions_freed'),
        index_added: await this.#index.add(live, isDryRun),
        running_added: await this.#running.add(turns, isDryRun),
      },
      skipped: repaired.flatMap((one) => (one.kind === 'gone' ? [] : one.skipped)),
    };
  }

  async countSessions(): Promise<number | null> {
    try {
      const [seconds] = await answered(this.#client.time());
      return await answered(this.#client.zcount(this.#keys.index, `(${seconds}000`, '+inf'));
    } catch (error) {
      skippedFor(this.#keys.index, error);
      return null;
    }
  }

  async save(report: ReconcileReport): Promise<void> {
    await answered(this.#client.set(this.#keys.reconcile, JSON.stringify(report)));
  }

  async *sessions(): AsyncGenerator<readonly SessionRef[]> {
    for await (const { sessions } of walkSessions(this.#client, this.#keys)) yield sessions;
  }

  async examine(session: SessionRef): Promise<Examined> {
    const found: Repaired = await this.#session.repair(session, true);
    return found;
  }

  async *history(session: SessionRef): AsyncGenerator<readonly Message[]> {
    const { messages } = this.#keys.session(session);
    for (let from = 0; ; from += MESSAGES_PER_STEP) {
      const texts = await answered(this.#client.lrange(messages, from, from + MESSAGES_PER_STEP - 1));
      if (texts.length === 0) return;
      yield texts.map((text) => decodeMessage(session, text));
    }
  }
}
