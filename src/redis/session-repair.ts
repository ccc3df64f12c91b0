import type { Repairs, SkippedKey } from '../conversation/reconcile-port.ts';
import type { SessionRef } from '../conversation/session.ts';
import type { Client } from './connect.ts';
import { asTurnwiseError } from './failures.ts';
import { type Keys, type SessionKeys, sessionTag } from './keys.ts';
import { ScriptReply } from './replies.ts';

/** Queue members and turns looked at in one session; what is behind them has its turn when those are gone. */
const ENTRIES_PER_SESSION = 500;

export interface RepairSettings {
  readonly sessionTtlMs: number;
  readonly leaseMs: number;
}

export type Repaired =
  | { readonly kind: 'gone' }
  | { readonly kind: 'corrupt'; readonly skipped: readonly SkippedKey[] }
  | {
      readonly kind: 'ok';
      readonly session: SessionRef;
      readonly repairs: Partial<Repairs>;
      readonly expiresAtMs: number;
      readonly fence: string;
      readonly epoch: string;
      readonly runningTurnId: string | null;
      readonly waitingTurnIds: readonly string[];
      readonly skipped: readonly SkippedKey[];
    };

/** Repairs one session by one script; what cannot be repaired is told, and nothing of it is touched. */
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
    const keys = this.#keys.session(session);
    try {
      return repairedOf(session, await this.#run(session, keys, isDryRun));
    } catch (error) {
      const failure = asTurnwiseError(error);
      const { code, cause } = failure;
      if (code === 'redis_unavailable') throw failure;
      const reason = code === 'storage_full' ? 'Redis is full' : `cannot be read: ${messageOf(cause)}`;
      return { kind: 'corrupt', skipped: [{ key: keys.meta, reason }] };
    }
  }

  /** The script has to be told its keys. For an idle session it knows them all; else it answers what to add. */
  async #run(session: SessionRef, keys: SessionKeys, isDryRun: boolean): Promise<ScriptReply> {
    const own = [keys.meta, keys.messages, keys.queue, keys.turns, keys.lock];
    const settings = [
      isDryRun ? 1 : 0,
      this.#settings.sessionTtlMs,
      sessionTag(session),
      this.#keys.replicaChannelPrefix,
      this.#settings.leaseMs,
    ];
    const call = async (more: readonly string[], rest: readonly (string | number)[]) =>
      new ScriptReply(
        await this.#client.repairSession(own.length + more.length, ...own, ...more, ...settings, ...rest),
      );
    const first = await call([keys.turn('-')], ['', -1, ENTRIES_PER_SESSION]);
    if (first.word !== 'MORE') return first;
    const [running, waiting, turns] = [first.text(1), first.texts(2), first.texts(3)];
    const more = [
      keys.turn(running === '' ? '-' : running),
      ...waiting.map((member) => keys.turn(member.split('/')[0] ?? '-')),
      ...turns.flatMap((member) => {
        const [turnId = '-', hash = null] = member.split('#');
        return [keys.turn(turnId), keys.log(turnId), keys.idempotency(hash)];
      }),
    ];
    return call(more, [running, waiting.length, 0, ...waiting, ...turns]);
  }
}

function repairedOf(session: SessionRef, reply: ScriptReply): Repaired {
  switch (reply.word) {
    case 'GONE':
      return { kind: 'gone' };
    case 'CORRUPT':
      return { kind: 'corrupt', skipped: pairsOf(reply.texts(1)) };
    case 'OK':
      return {
        kind: 'ok',
        session,
        repairs: {
          counts_repaired: reply.number(1),
          queue_dropped: reply.number(2),
          ttl_repaired: reply.number(3),
          sessions_freed: reply.number(4),
        },
        expiresAtMs: reply.number(5),
        fence: reply.text(6),
        epoch: reply.text(7),
        runningTurnId: reply.text(8) === '' ? null : reply.text(8),
        waitingTurnIds: reply.texts(9),
        skipped: pairsOf(reply.texts(10)),
      };
    default:
      return reply.unexpected('repair-session');
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
