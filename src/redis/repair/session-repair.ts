import type { SessionRef } from '../../conversation/session.ts';
import type { Examined, SkippedKey } from '../../upkeep/port.ts';
import { type Keys, sessionTag } from '../keys.ts';
import { SCRIPTS } from '../scripts.ts';
import type { Client } from '../server/connect.ts';
import { asTurnwiseError } from '../server/failures.ts';

/** Queue members and turns checked in one session; those behind them are checked once these are gone. */
const ENTRIES_PER_SESSION = 500;

export interface RepairSettings {
  readonly sessionTtlMs: number;
  readonly leaseMs: number;
}

/** What was found in a session, and repaired. */
export type Repaired =
  | Exclude<Examined, { kind: 'ok' }>
  | (Extract<Examined, { kind: 'ok' }> & { readonly session: SessionRef; readonly expiresAtMs: number });

/** Repairs one session by one script; what cannot be repaired is reported and left untouched. */
export class SessionRepair {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #settings: RepairSettings;

  constructor(client: Client, keys: Keys, settings: RepairSettings) {
    this.#client = client;
    this.#keys = keys;
    this.#settings = settings;
  }

  /** @throws redis_unavailable */
  async repair(session: SessionRef, isDryRun: boolean): Promise<Repaired> {
    try {
      return repairedOf(session, await this.#run(session, isDryRun));
    } catch (error) {
      const failure = asTurnwiseError(error);
      const { code, cause } = failure;
      if (code === 'redis_unavailable') throw failure;
      const reason = code === 'storage_full' ? 'Redis is full' : `cannot be read: ${messageOf(cause)}`;
      return { kind: 'corrupt', skipped: [{ key: this.#keys.session(session).meta, reason }] };
    }
  }

  /** The script may only touch keys passed to it. An idle session has no more; else it replies with what to add. */
  async #run(session: SessionRef, isDryRun: boolean): Promise<RepairReply> {
    const keys = this.#keys.session(session);
    const settings = {
      dry_run: isDryRun ? 1 : 0,
      session_ttl_ms: this.#settings.sessionTtlMs,
      session: sessionTag(session),
      channels: this.#keys.replicaChannelPrefix,
      lease_ms: this.#settings.leaseMs,
    };
    const first = await SCRIPTS.repairSession.run(
      this.#client,
      { ...keys, running_record: keys.turn('-'), records: [] },
      { ...settings, running_turn: '', waiting_count: -1, most: ENTRIES_PER_SESSION, members: [] },
    );
    if (first.word !== 'MORE') return first;
    const records = [
      ...first.queue_members.map((member) => keys.turn(member.split('/')[0] ?? '-')),
      ...first.turns_members.flatMap((member) => {
        const [turnId = '-', hash = '-'] = member.split('#');
        return [keys.turn(turnId), keys.log(turnId), keys.idempotency(hash)];
      }),
    ];
    return SCRIPTS.repairSession.run(
      this.#client,
      { ...keys, running_record: keys.turn(first.running_turn || '-'), records },
      {
        ...settings,
        running_turn: first.running_turn,
        waiting_count: first.queue_members.length,
        most: 0,
        members: [...first.queue_members, ...first.turns_members],
      },
    );
  }
}

type RepairReply = Awaited<ReturnType<typeof SCRIPTS.repairSession.run>>;

function repairedOf(session: SessionRef, reply: RepairReply): Repaired {
  switch (reply.word) {
    case 'GONE':
      return { kind: 'gone' };
    case 'CORRUPT':
      return { kind: 'corrupt', skipped: pairsOf(reply.skipped) };
    case 'MORE':
      throw new Error('repair-session asks for more once it was given all');
    case 'OK':
      return {
        kind: 'ok',
        session,
        repairs: {
          counts_repaired: reply.counts,
          queue_dropped: reply.queue_dropped,
          ttl_repaired: reply.ttls,
          sessions_freed: reply.freed,
        },
        expiresAtMs: reply.expires_at_ms,
        fence: reply.fence,
        epoch: reply.epoch,
        runningTurnId: reply.running_turn === '' ? null : reply.running_turn,
        waitingTurnIds: reply.waiting_turns,
        skipped: pairsOf(reply.skipped),
      };
  }
}

function pairsOf(flat: readonly string[]): readonly SkippedKey[] {
  return Array.from({ length: flat.length / 2 }, (_, index) => ({
    key: flat[index * 2] ?? '',
    reason: flat[index * 2 + 1] ?? '',
  }));
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.slice(0, 200) : 'unknown';
}
