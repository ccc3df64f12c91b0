import type { MessagePage, SessionPage, SessionStore } from '../conversation/ports.ts';
import type { History, Message, SessionRef, SessionSummary } from '../conversation/session.ts';
import type { RedisClock } from './clock.ts';
import type { Client } from './connect.ts';
import { answered } from './failures.ts';
import type { HistoryCache } from './history-cache.ts';
import type { IndexWriter } from './index-writer.ts';
import { type Keys, type SessionKeys, sessionTag } from './keys.ts';
import { corrupt, decodeMessage, placeOf } from './message-codec.ts';
import { ScriptReply } from './replies.ts';
import { SessionIndex } from './session-index.ts';
import { LAST_TIME_MS, wholeNumber } from './whole-number.ts';

/** How often a delete that was overtaken by new turns is tried again. */
const DELETE_TRIES = 20;

/** How often a page is read again that a commit moved. */
const PAGE_TRIES = 3;

/** Messages read from Redis at once, and the size after which a page is long enough. */
const READ_AT_ONCE = 32;
const PAGE_BYTES = 2_000_000;

export class RedisSessionStore implements SessionStore {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #cache: HistoryCache;
  readonly #writer: IndexWriter;
  readonly #index: SessionIndex;

  constructor(client: Client, keys: Keys, clock: RedisClock, cache: HistoryCache, writer: IndexWriter) {
    this.#client = client;
    this.#keys = keys;
    this.#cache = cache;
    this.#writer = writer;
    this.#index = new SessionIndex(client, keys, clock);
  }

  async summary(session: SessionRef): Promise<SessionSummary | null> {
    const { meta } = this.#keys.session(session);
    const [fields, expiresAtMs] = await answered(
      Promise.all([this.#client.hgetall(meta), this.#client.pexpiretime(meta)]),
    );
    return Object.keys(fields).length === 0 ? null : decodeSummary(session, fields, expiresAtMs);
  }

  async rename(session: SessionRef, title: string): Promise<SessionSummary | null> {
    const { meta } = this.#keys.session(session);
    const word = await answered(this.#client.renameSession(1, meta, title));
    return word === 'OK' ? this.summary(session) : null;
  }

  async remove(session: SessionRef): Promise<boolean> {
    const tag = sessionTag(session);
    this.#cache.drop(tag);
    for (let attempt = 0; attempt < DELETE_TRIES; attempt += 1) {
      const word = await this.#removeOnce(this.#keys.session(session), tag);
      if (word === 'STALE') continue;
      // Also when there was none: it may have gone by a call whose reply was lost.
      await answered(this.#writer.remove(session));
      return word !== 'MISSING';
    }
    throw corrupt(session, 'its turns change faster than it can be deleted');
  }

  async #removeOnce(keys: SessionKeys, tag: string): Promise<string> {
    // A key of another type is no reason to keep the session: it is deleted all the same.
    const members = (await answered(this.#client.zrange(keys.turns, '0', '-1')).catch(nullIfCorrupt)) ?? [];
    const ofTurns = members.flatMap((member) => {
      const [turnId = '', hash] = member.split('#');
      return [keys.turn(turnId), keys.log(turnId), ...(hash === undefined ? [] : [keys.idempotency(hash)])];
    });
    const all = [keys.meta, keys.messages, keys.queue, keys.turns, keys.lock, ...ofTurns];
    const raw = await answered(
      this.#client.deleteSession(
        all.length,
        ...all,
        tag,
        this.#keys.replicaChannelPrefix,
        keys.watch(''),
        ...members,
      ),
    );
    return new ScriptReply(raw).word;
  }

  async list(owner: string, limit: number, cursor: string | null): Promise<SessionPage> {
    const page = await answered(this.#index.page(owner, limit, cursor));
    const found = await Promise.all(
      // One session that cannot be read must not hide all others.
      page.conversationIds.map((conversationId) =>
        this.summary({ owner, conversationId }).catch(nullIfCorrupt),
      ),
    );
    return {
      sessions: found.filter((summary) => summary !== null),
      total: page.total,
      nextCursor: page.nextCursor,
    };
  }

  count(owner: string | null): Promise<number> {
    return answered(this.#index.count(owner));
  }

  async messages(
    session: SessionRef,
    limit: number,
    before: string | null,
    tries = 1,
  ): Promise<MessagePage | null> {
    const keys = this.#keys.session(session);
    const [written, dropped] = await answered(this.#client.hmget(keys.meta, 'message_count', 'dropped'));
    if (written === null || written === undefined) return null;
    const [count, first] = [wholeNumber(written), wholeNumber(dropped ?? '0')];
    if (count === null || first === null) throw corrupt(session, 'the metadata cannot be read');
    const until = Math.min(count, before === null ? count : (placeOf(before) ?? 0));
    const from = Math.max(first, until - limit);
    if (until <= from) return { messages: [], hasMore: false };
    const messages: Message[] = [];
    let [at, bytes] = [until, 0];
    // Newest first and some at once: one reply of all would hold up what others ask on the same connection.
    while (at > from && bytes < PAGE_BYTES) {
      const begin = Math.max(from, at - READ_AT_ONCE);
      const texts = await answered(this.#client.lrange(keys.messages, begin - first, at - first - 1));
      const read = texts.map((text) => decodeMessage(session, text));
      // A commit that dropped the oldest in between moved all places by as many.
      const isMoved = read[0] !== undefined && placeOf(read[0].id) !== begin;
      if (isMoved && tries < PAGE_TRIES) return this.messages(session, limit, before, tries + 1);
      for (const text of texts) bytes += text.length;
      messages.unshift(...read);
      at = begin;
    }
    return { messages, hasMore: at > first };
  }

  async slice(session: SessionRef, history: History, from: number): Promise<readonly Message[]> {
    const keys = this.#keys.session(session);
    const texts = await answered(
      this.#client.lrange(keys.messages, from - history.dropped, history.from - history.dropped - 1),
    );
    return texts.map((text) => decodeMessage(session, text));
  }
}

function nullIfCorrupt(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'corrupt_session') return null;
  throw error;
}

function decodeSummary(
  session: SessionRef,
  fields: Readonly<Record<string, string>>,
  expiresAtMs: number,
): SessionSummary {
  const createdAtMs = wholeNumber(fields.created_at, LAST_TIME_MS);
  const lastAccessedMs = wholeNumber(fields.last_accessed, LAST_TIME_MS);
  const messageCount = wholeNumber(fields.message_count);
  if (createdAtMs === null || lastAccessedMs === null || messageCount === null) {
    throw corrupt(session, 'the metadata cannot be read');
  }
  return {
    conversationId: session.conversationId,
    title: fields.title ?? '',
    createdAtMs,
    lastAccessedMs,
    expiresAtMs: Math.min(Math.max(expiresAtMs, 0), LAST_TIME_MS),
    messageCount,
  };
}
