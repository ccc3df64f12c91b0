import type { SessionRef } from '../../conversation/session.ts';
import { type Keys, sessionTag } from '../keys.ts';
import type { Client } from '../server/connect.ts';

/**
 * Writes the indexes of live sessions: score = when the session expires. They are in other slots than the session, so
 * they are written right after it, once per tick; reconcile repairs what gets lost.
 */
export class IndexWriter {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #failed: (error: unknown) => void;
  readonly #touched = new Map<string, { session: SessionRef; expiresAtMs: number }>();

  constructor(client: Client, keys: Keys, failed: (error: unknown) => void) {
    this.#client = client;
    this.#keys = keys;
    this.#failed = failed;
  }

  touch(session: SessionRef, expiresAtMs: number): void {
    if (this.#touched.size === 0) setImmediate(() => this.#flush());
    this.#touched.set(sessionTag(session), { session, expiresAtMs });
  }

  async remove(session: SessionRef): Promise<void> {
    this.#touched.delete(sessionTag(session));
    await Promise.all([
      this.#client.zrem(this.#keys.index, sessionTag(session)),
      this.#client.zrem(this.#keys.ownerIndex(session.owner), session.conversationId),
    ]);
  }

  #flush(): void {
    const all: (string | number)[] = [];
    const byOwner = new Map<string, (string | number)[]>();
    for (const { session, expiresAtMs } of this.#touched.values()) {
      all.push(expiresAtMs, sessionTag(session));
      const own = byOwner.get(session.owner) ?? [];
      own.push(expiresAtMs, session.conversationId);
      byOwner.set(session.owner, own);
    }
    this.#touched.clear();
    if (all.length > 0) this.#client.zadd(this.#keys.index, ...all).catch(this.#failed);
    for (const [owner, members] of byOwner) {
      this.#client.zadd(this.#keys.ownerIndex(owner), ...members).catch(this.#failed);
    }
  }
}
