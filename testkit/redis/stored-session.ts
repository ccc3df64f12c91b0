import type { RedisServer } from './redis.ts';

/** A session as stored in Redis, written without the server. */
export interface StoredSession {
  readonly owner?: string;
  readonly id: string;
  /** Messages, two per turn. */
  readonly messages?: number;
  /** Its TTL in ms; default half an hour. */
  readonly ttlMs?: number;
  /** Appended to the text of each message, to make it long. */
  readonly padding?: string;
  /** Whether it is in the indexes; default true. */
  readonly isIndexed?: boolean;
}

export function keyOf(session: Pick<StoredSession, 'owner' | 'id'>, name: string): string {
  return `turnwise:{${session.owner ?? '-'}/${session.id}}:${name}`;
}

/** Writes a whole idle session: metadata, messages, TTLs and index entries. */
export async function store(redis: RedisServer, session: StoredSession): Promise<void> {
  const owner = session.owner ?? '-';
  const count = session.messages ?? 2;
  const now = Date.now();
  const end = now + (session.ttlMs ?? 1_800_000);
  const fence = `${now}000`;
  await redis.ask(
    'HSET',
    keyOf(session, 'meta'),
    ...['created_at', now, 'last_accessed', now, 'message_count', count, 'dropped', 0],
    ...['fence', fence, 'epoch', fence, 'generation', 0, 'owner', owner, 'title', `title of ${session.id}`],
    ...(count === 0 ? [] : ['last_message', storedMessageId(count - 1)]),
  );
  const messages = Array.from({ length: count }, (_, place) => messageText(session, place));
  for (let from = 0; from < count; from += 1000) {
    await redis.ask('RPUSH', keyOf(session, 'messages'), ...messages.slice(from, from + 1000));
  }
  for (const name of ['meta', 'messages']) await redis.ask('PEXPIREAT', keyOf(session, name), end);
  if (session.isIndexed === false) return;
  await redis.ask('ZADD', 'turnwise:index', end, `${owner}/${session.id}`);
  await redis.ask('ZADD', `turnwise:index:${owner}`, end, session.id);
}

/** The id of a message that `store` wrote, by its place: two per turn, each turn with its own fence. */
export function storedMessageId(place: number): string {
  return `m${Math.floor(place / 2) + 1}-${(place % 2) + 1}`;
}

/** A message of a history in which user and assistant alternate. */
function messageText(session: Pick<StoredSession, 'owner' | 'id' | 'padding'>, place: number): string {
  const isUser = place % 2 === 0;
  return JSON.stringify({
    id: storedMessageId(place),
    turn_id: `t${Math.floor(place / 2)}`,
    session: `${session.owner ?? '-'}/${session.id}`,
    role: isUser ? 'user' : 'assistant',
    created_at: new Date().toISOString(),
    content: `${isUser ? 'question' : 'answer'} ${place}${session.padding ?? ''}`,
  });
}

/** All keys except those of BullMQ and the last report, with value and expiry in ms since 1970. */
export async function dumpOf(redis: RedisServer): Promise<Record<string, unknown>> {
  const keys = ((await redis.ask('KEYS', '*')) as string[])
    .filter((key) => !key.startsWith('{turnwise:bull}') && key !== 'turnwise:reconcile')
    .sort();
  const readers: Record<string, (key: string) => [string, ...(string | number)[]]> = {
    hash: (key) => ['HGETALL', key],
    list: (key) => ['LRANGE', key, 0, -1],
    zset: (key) => ['ZRANGE', key, 0, -1, 'WITHSCORES'],
    string: (key) => ['GET', key],
    stream: (key) => ['XLEN', key],
  };
  const dump: Record<string, unknown> = {};
  for (const key of keys) {
    const type = String(await redis.ask('TYPE', key));
    const reader = readers[type];
    if (reader === undefined) throw new Error(`${key} is a ${type}`);
    dump[key] = [await redis.ask(...reader(key)), await redis.ask('PEXPIRETIME', key)];
  }
  return dump;
}
