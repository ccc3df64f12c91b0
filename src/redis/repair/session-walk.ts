import { OWNER } from '../../conversation/caller.ts';
import { isConversationId, type SessionRef } from '../../conversation/session.ts';
import type { SkippedKey } from '../../upkeep/port.ts';
import { type Keys, parseSessionTag } from '../keys.ts';
import type { Client } from '../server/connect.ts';
import { scanKeys } from './scan.ts';

export interface SessionsFound {
  readonly sessions: readonly SessionRef[];
  readonly skipped: readonly SkippedKey[];
}

/** The sessions in the keyspace, by their metadata, in bounded steps. A session may come twice. */
export async function* walkSessions(client: Client, keys: Keys): AsyncGenerator<SessionsFound> {
  const [before, after] = keys.session({ owner: '*', conversationId: '*' }).meta.split('*/*');
  for await (const found of scanKeys(client, `${before}*${after}`)) {
    const sessions: SessionRef[] = [];
    const skipped: SkippedKey[] = [];
    for (const key of found) {
      const session = sessionNamed(key.slice(before?.length, key.length - (after?.length ?? 0)));
      if (session === null) skipped.push({ key, reason: 'is not the name of a session' });
      else sessions.push(session);
    }
    yield { sessions, skipped };
  }
}

/** @returns null when the text cannot have been made by us from an owner and a conversation id */
export function sessionNamed(tag: string): SessionRef | null {
  const session = parseSessionTag(tag);
  return session !== null && OWNER.test(session.owner) && isConversationId(session.conversationId)
    ? session
    : null;
}
