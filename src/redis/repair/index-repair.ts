import type { SessionRef } from '../../conversation/session.ts';
import { hasCode } from '../../errors.ts';
import type { ReconcileStep, SkippedKey } from '../../upkeep/port.ts';
import { type Keys, sessionTag } from '../keys.ts';
import type { Client } from '../server/connect.ts';
import { answered } from '../server/failures.ts';
import { type Score, scanKeys, scanScores, toScore } from './scan.ts';
import { sessionNamed } from './session-walk.ts';
import { type Settlement, settleScores } from './settle.ts';

/** A replica writes the end of a session by its own estimate of Redis' clock; this far off is still right, in ms. */
const TOLERANCE_MS = 5000;

/** A session that exists, and when it expires. */
export interface LiveSession {
  readonly session: SessionRef;
  readonly expiresAtMs: number;
}

/** Makes the indexes of all sessions and of owners match the sessions themselves. */
export class IndexRepair {
  readonly #client: Client;
  readonly #keys: Keys;

  constructor(client: Client, keys: Keys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Adds missing entries, and corrects those with a wrong end. @returns entries written */
  async add(live: readonly LiveSession[], isDryRun: boolean): Promise<number> {
    const byKey = new Map<string, Map<string, LiveSession>>();
    for (const one of live) {
      put(byKey, this.#keys.index, sessionTag(one.session), one);
      put(byKey, this.#keys.ownerIndex(one.session.owner), one.session.conversationId, one);
    }
    const added = await Promise.all(
      [...byKey].map(([key, members]) =>
        // An index that is not a sorted set is reported once, by `prune`.
        this.#addTo(key, members, isDryRun).catch((error: unknown) => {
          skippedFor(key, error);
          return 0;
        }),
      ),
    );
    return added.reduce((sum, count) => sum + count, 0);
  }

  async #addTo(key: string, members: ReadonlyMap<string, LiveSession>, isDryRun: boolean): Promise<number> {
    const names = [...members.keys()];
    const scores = await answered(this.#client.zmscore(key, ...names));
    const wrong = names.flatMap((member, index): Settlement[] => {
      const expiresAtMs = members.get(member)?.expiresAtMs ?? 0;
      const found = scores[index];
      const seen = found === null || found === undefined ? null : toScore(found);
      const isRight = seen !== null && Math.abs(seen - expiresAtMs) <= TOLERANCE_MS;
      return isRight ? [] : [{ member, seen, score: expiresAtMs }];
    });
    const changed = await settleScores(this.#client, key, wrong, isDryRun);
    if (isDryRun) return changed.length;
    // A session that was deleted meanwhile must not come back as an entry.
    const sessions = changed.map(({ member }) => members.get(member)?.session);
    const gone = await this.#gone(sessions);
    const undone = changed
      .filter((_, index) => gone[index] === true)
      .map(({ member, score }) => ({ member, seen: score, score: null }));
    await settleScores(this.#client, key, undone, false);
    return changed.length - undone.length;
  }

  /** Removes the entries of sessions that are gone, from the index of all and then from each owner's. */
  async *prune(isDryRun: boolean): AsyncGenerator<ReconcileStep> {
    yield* this.#pruneOne(this.#keys.index, sessionNamed, isDryRun);
    const first = this.#keys.ownerIndex('');
    for await (const found of scanKeys(this.#client, `${first}*`)) {
      yield { scanned: 0, repairs: {}, skipped: [] };
      for (const key of found) {
        const owner = key.slice(first.length);
        yield* this.#pruneOne(key, (member) => sessionNamed(`${owner}/${member}`), isDryRun);
      }
    }
  }

  async *#pruneOne(
    key: string,
    sessionOf: (member: string) => SessionRef | null,
    isDryRun: boolean,
  ): AsyncGenerator<ReconcileStep> {
    try {
      for await (const entries of scanScores(this.#client, key)) {
        const removed = await this.#removeGone(key, entries, sessionOf, isDryRun);
        yield { scanned: entries.length, repairs: { index_removed: removed }, skipped: [] };
      }
    } catch (error) {
      yield { scanned: 0, repairs: {}, skipped: [skippedFor(key, error)] };
    }
  }

  async #removeGone(
    key: string,
    entries: readonly Score[],
    sessionOf: (member: string) => SessionRef | null,
    isDryRun: boolean,
  ): Promise<number> {
    const gone = await this.#gone(entries.map(({ member }) => sessionOf(member)));
    const past = entries
      .filter((_, index) => gone[index] === true)
      .map(({ member, score }) => ({ member, seen: score, score: null }));
    return (await settleScores(this.#client, key, past, isDryRun)).length;
  }

  /** Whether each is gone; an entry that never named a session counts as gone. */
  #gone(sessions: readonly (SessionRef | null | undefined)[]): Promise<readonly boolean[]> {
    return Promise.all(
      sessions.map(
        async (session) =>
          session === null ||
          session === undefined ||
          (await answered(this.#client.exists(this.#keys.session(session).meta))) === 0,
      ),
    );
  }
}

function put<K, N, V>(maps: Map<K, Map<N, V>>, key: K, name: N, value: V): void {
  const map = maps.get(key) ?? new Map<N, V>();
  maps.set(key, map.set(name, value));
}

/** Reports a key that is not a sorted set, or that Redis is too full to change. @throws anything else */
export function skippedFor(key: string, error: unknown): SkippedKey {
  if (hasCode(error, 'corrupt_session')) {
    return { key, reason: 'is not a sorted set' };
  }
  if (hasCode(error, 'storage_full')) return { key, reason: 'Redis is full' };
  throw error;
}
