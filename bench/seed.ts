import type { Redis } from 'ioredis';
import { textParts } from '../src/conversation/parts.ts';
import { messageId, type SessionRef } from '../src/conversation/session.ts';
import { makeKeys } from '../src/redis/keys.ts';
import { encodeMessage } from '../src/redis/sessions/message-codec.ts';

const keys = makeKeys('turnwise');
const OWNER = '-';
const TTL_MS = 1_800_000;
const MESSAGES_A_PUSH = 500;

/** Sessions that are on their way to Redis at once. */
const SESSIONS_AT_ONCE = 50;

/** Messages of people and models, of a usual length: about 20 and 80 tokens. */
const SAID = {
  user: 'Could you tell me a little more about that, and why one would do it in this way? '.slice(0, 80),
  assistant: 'There are several reasons, and each of them matters in its own way. '.repeat(6).slice(0, 400),
};

/** Writes whole idle sessions directly into Redis, in the server's format, each with this many messages. */
export async function seedSessions(
  client: Redis,
  conversationIds: readonly string[],
  messageCount: number,
): Promise<void> {
  for (let from = 0; from < conversationIds.length; from += SESSIONS_AT_ONCE) {
    const some = conversationIds.slice(from, from + SESSIONS_AT_ONCE);
    await Promise.all(some.map((conversationId) => seedSession(client, conversationId, messageCount)));
  }
}

async function seedSession(client: Redis, conversationId: string, messageCount: number): Promise<void> {
  const session = { owner: OWNER, conversationId };
  const nowMs = Date.now();
  const epoch = nowMs * 1000;
  const own = keys.session(session);
  const commands = client.pipeline();
  commands.hset(own.meta, {
    created_at: nowMs,
    last_accessed: nowMs,
    message_count: messageCount,
    dropped: 0,
    fence: epoch + messageCount,
    epoch,
    generation: 0,
    ...(messageCount === 0 ? {} : { last_message: idAt(messageCount - 1, epoch) }),
    owner: OWNER,
    title: SAID.user,
  });
  for (let from = 0; from < messageCount; from += MESSAGES_A_PUSH) {
    const count = Math.min(MESSAGES_A_PUSH, messageCount - from);
    commands.rpush(
      own.messages,
      ...Array.from({ length: count }, (_, index) => messageAt(session, from + index, epoch, nowMs)),
    );
  }
  for (const key of [own.meta, own.messages]) commands.pexpireat(key, nowMs + TTL_MS);
  commands.zadd(keys.index, nowMs + TTL_MS, `${OWNER}/${conversationId}`);
  commands.zadd(keys.ownerIndex(OWNER), nowMs + TTL_MS, conversationId);
  const replies = await commands.exec();
  const failed = replies?.find(([error]) => error !== null);
  if (failed?.[0]) throw failed[0];
}

/** The message at a place: user and assistant alternate, two per turn. */
function messageAt(session: SessionRef, place: number, epoch: number, nowMs: number): string {
  const role = place % 2 === 0 ? 'user' : 'assistant';
  const turn = Math.floor(place / 2);
  return encodeMessage(session, {
    id: idAt(place, epoch),
    turnId: `tseed${turn}`,
    role,
    parts: textParts(SAID[role]),
    createdAtMs: nowMs,
    truncated: false,
  });
}

function idAt(place: number, epoch: number): string {
  return messageId(String(epoch + Math.floor(place / 2)), (place % 2) + 1);
}

/** Flushes Redis, so that the sessions of the warm-up do not count. */
export async function emptyIndexes(client: Redis): Promise<void> {
  await client.del(keys.index, keys.ownerIndex(OWNER));
}
