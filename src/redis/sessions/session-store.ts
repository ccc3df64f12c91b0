import type {
  Description,
  ListOrder,
  MessagePage,
  NewSession,
  SessionPage,
  SessionStore,
} from '../../conversation/ports/sessions.ts';
import type { History, Message, Metadata, SessionRef, SessionSummary } from '../../conversation/session.ts';
import { hasCode } from '../../errors.ts';
import { parseObject } from '../json.ts';
import { type Keys, sessionTag } from '../keys.ts';
import { SCRIPTS } from '../scripts.ts';
import type { RedisClock } from '../server/clock.ts';
import type { Client } from '../server/connect.ts';
import { answered } from '../server/failures.ts';
import { LAST_TIME_MS, wholeNumber } from '../whole-number.ts';
import { HISTORY_TAIL, type HistoryCache } from './history-cache.ts';
import type { IndexWriter } from './index-writer.ts';
import { corrupt, decodeHistory, decodeMessage } from './message-codec.ts';
import { SessionIndex } from './session-index.ts';

/** How often a delete that was overtaken by new turns is retried. */
const DELETE_TRIES = 20;

/** The size at which a page of messages, and one reply of Redis, is long enough. */
const PAGE_BYTES = 2_000_000;
const PIECE_BYTES = 250_000;

/** Most messages that are read at once, however short. */
const MOST_AT_ONCE = 256;

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

  async create(session: SessionRef, { ownerAsGiven, metadata, ttlMs }: NewSession): Promise<void> {
    const { meta, messages, queue } = this.#keys.session(session);
    const reply = await SCRIPTS.createSession.run(
      this.#client,
      { meta, messages, queue },
      { session_ttl_ms: ttlMs, owner: ownerAsGiven, title: '', metadata: encodeMetadata(metadata) },
    );
    if (reply.word === 'OK') this.#writer.touch(session, reply.now_ms + ttlMs);
  }

  async describe(session: SessionRef, { title, metadata }: Description): Promise<SessionSummary | null> {
    const { meta } = this.#keys.session(session);
    const fields = [
      ...(title === undefined ? [] : ['title', title]),
      ...(metadata === undefined ? [] : ['metadata', encodeMetadata(metadata)]),
    ];
    const { word } = await SCRIPTS.describeSession.run(this.#client, { meta }, { fields });
    return word === 'OK' ? this.summary(session) : null;
  }

  async remove(session: SessionRef): Promise<boolean> {
    const tag = sessionTag(session);
    this.#cache.drop(tag);
    for (let attempt = 0; attempt < DELETE_TRIES; attempt += 1) {
      const word = await this.#removeOnce(session);
      if (word === 'STALE') continue;
      // Also when there was none: an earlier call, whose reply was lost, may have deleted it.
      await answered(this.#writer.remove(session));
      return word !== 'MISSING';
    }
    throw corrupt(session, 'its turns change faster than it can be deleted');
  }

  async #removeOnce(session: SessionRef): Promise<'DELETED' | 'MISSING' | 'STALE'> {
    const keys = this.#keys.session(session);
    // A key of another type is no reason to keep the session.
    const members = (await answered(this.#client.zrange(keys.turns, '0', '-1')).catch(nullIfCorrupt)) ?? [];
    const turnKeys = members.flatMap((member) => {
      const [turnId = '', hash] = member.split('#');
      return [keys.turn(turnId), keys.log(turnId), ...(hash === undefined ? [] : [keys.idempotency(hash)])];
    });
    const { word } = await SCRIPTS.deleteSession.run(
      this.#client,
      { ...keys, turn_keys: turnKeys },
      {
        session: sessionTag(session),
        channels: this.#keys.replicaChannelPrefix,
        watch_channels: keys.watch(''),
        members,
      },
    );
    return word;
  }

  async list(
    owner: string,
    limit: number,
    cursor: string | null,
    order: ListOrder = 'newest-first',
  ): Promise<SessionPage> {
    this.#writer.flush();
    const page = await answered(this.#index.page(owner, limit, cursor, order));
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

  cursorOf({ owner, conversationId }: SessionRef): Promise<string | null> {
    return answered(this.#index.cursorOf(owner, conversationId));
  }

  count(owner: string | null): Promise<number> {
    return answered(this.#index.count(owner));
  }

  async history(session: SessionRef): Promise<History | null> {
    const { meta, messages } = this.#keys.session(session);
    const tag = sessionTag(session);
    const args = { known: this.#cache.known(tag), tail: HISTORY_TAIL };
    const reply = await SCRIPTS.readHistory.run(this.#client, { meta, messages }, args);
    if (reply.word === 'MISSING') return null;
    if (reply.word === 'CORRUPT') throw corrupt(session, 'history and metadata do not fit together');
    return this.#cache.merge(tag, decodeHistory(session, reply), reply.continues === 1);
  }

  async messages(session: SessionRef, limit: number, before: string | null): Promise<MessagePage | null> {
    const messages: Message[] = [];
    // Piece by piece: one large reply would hold up other requests on the same connection.
    for (let bytes = 0; ; ) {
      const until = messages[0]?.id ?? before ?? '';
      const piece = await this.#piece(session, limit - messages.length, until);
      if (piece === null) return null;
      for (const text of piece.messages) bytes += text.length;
      messages.unshift(...piece.messages.map((text) => decodeMessage(session, text)));
      const hasMore = piece.has_more === 1;
      if (!hasMore || messages.length >= limit || bytes >= PAGE_BYTES) return { messages, hasMore };
    }
  }

  async #piece(session: SessionRef, limit: number, before: string) {
    const { meta, messages } = this.#keys.session(session);
    const reply = await SCRIPTS.readMessages.run(
      this.#client,
      { meta, messages },
      { before, limit, enough_bytes: PIECE_BYTES },
    );
    if (reply.word === 'CORRUPT') throw corrupt(session, 'history and metadata do not fit together');
    return reply.word === 'MISSING' ? null : reply;
  }

  async slice(session: SessionRef, history: History, from: number): Promise<readonly Message[]> {
    const { messages: key } = this.#keys.session(session);
    const end = history.from - history.dropped;
    const texts: string[] = [];
    // Piece by piece, as a page of messages: each may hold images.
    for (let [at, count] = [from - history.dropped, 4]; at < end; ) {
      const piece = await answered(this.#client.lrange(key, at, Math.min(at + count, end) - 1));
      texts.push(...piece);
      at += count;
      const bytes = piece.reduce((sum, text) => sum + text.length, 0);
      // As many as were small so far; each piece is a round trip.
      count = bytes < PIECE_BYTES / 8 ? Math.min(count * 4, MOST_AT_ONCE) : 4;
    }
    const older = texts.map((text) => decodeMessage(session, text));
    // Only what reaches up to the known ones: the next turn then needs no reading.
    if (texts.length === history.from - from) this.#cache.prepend(sessionTag(session), history, older);
    return older;
  }
}

function nullIfCorrupt(error: unknown): null {
  if (hasCode(error, 'corrupt_session')) return null;
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
    parent: fields.parent ?? null,
    metadata: decodeMetadata(fields.metadata ?? ''),
  };
}

/** @returns JSON; empty for none */
function encodeMetadata(metadata: Metadata): string {
  return Object.keys(metadata).length === 0 ? '' : JSON.stringify(metadata);
}

/** What is not a text is left out: an operator can write anything into a field. */
function decodeMetadata(text: string): Metadata {
  const entries = Object.entries(parseObject(text) ?? {});
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
}
