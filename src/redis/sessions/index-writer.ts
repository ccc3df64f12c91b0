import type { SessionRef } from '../../conversation/session.ts';
import { type Keys, sessionTag } from '../keys.ts';
import type { Client } from '../server/connect.ts';

interface Touched {
  readonly session: SessionRef;
  readonly expiresAtMs: number;
}

/** Each write of its own costs a system call here, and wakes Redis. */
const PROLONG_AFTER_MS = 20;

/**
 * Writes the indexes of live sessions: score = when the session expires. They are in other slots than the session, so
 * they are written right after it, once per tick; reconcile repairs what gets lost.
 */
export class IndexWriter {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #failed: (error: unknown) => void;
  readonly #touched = new Map<string, Touched>();
  readonly #prolonged = new Map<string, Touched>();

  constructor(client: Client, keys: Keys, failed: (error: unknown) => void) {
    this.#client = client;
    this.#keys = keys;
    this.#failed = failed;
  }

  /** A session lives until then; written at the end of this tick, before its caller is answered. */
  touch(session: SessionRef, expiresAtMs: number): void {
    if (this.#touched.size === 0) setImmediate(() => this.#flush(this.#touched, []));
    this.#touched.set(sessionTag(session), { session, expiresAtMs });
    // Otherwise the older time would be written last.
    this.#prolonged.delete(sessionTag(session));
  }

  /**
   * A session that is in the indexes already lives until then; written a moment later, for all of that moment together.
   * One that was deleted elsewhere meanwhile does not come back.
   */
  prolong(session: SessionRef, expiresAtMs: number): void {
    if (this.#prolonged.size === 0) setTimeout(() => this.flush(), PROLONG_AFTER_MS).unref();
    this.#prolonged.set(sessionTag(session), { session, expiresAtMs });
  }

  /** Writes what is due at once: a list that is read next is in order. */
  flush(): void {
    this.#flush(this.#prolonged, ['XX']);
  }

  async remove(session: SessionRef): Promise<void> {
    this.#touched.delete(sessionTag(session));
    this.#prolonged.delete(sessionTag(session));
    await Promise.all([
      this.#client.zrem(this.#keys.index, sessionTag(session)),
      this.#client.zrem(this.#keys.ownerIndex(session.owner), session.conversationId),
    ]);
  }

  #flush(due: Map<string, Touched>, condition: readonly 'XX'[]): void {
    const all: (string | number)[] = [];
    const byOwner = new Map<string, (string | number)[]>();
    for (const { session, expiresAtMs } of due.values()) {
      all.push(expiresAtMs, sessionTag(session));
      const own = byOwner.get(session.owner) ?? [];
      own.push(expiresAtMs, session.conversationId);
      byOwner.set(session.owner, own);
    }
    due.clear();
    if (all.length > 0) this.#client.zadd(this.#keys.index, ...condition, ...all).catch(this.#failed);
    for (const [owner, members] of byOwner) {
      this.#client.zadd(this.#keys.ownerIndex(owner), ...condition, ...members).catch(this.#failed);
    }
  }
}
