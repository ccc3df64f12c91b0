import { createHash } from 'node:crypto';
import { TurnwiseError } from '../errors.ts';
import { isConversationId, type SessionRef } from './session.ts';

/** The identity behind a request. */
export interface Caller {
  /** The owner whose sessions the caller may see, as used in keys. */
  readonly owner: string;
  /** The owner's name as given, before it was made fit for a key. */
  readonly ownerAsGiven: string;
  readonly isAdmin: boolean;
  /** What limits count by: the owner, or the address while callers are anonymous. */
  readonly limitKey: string;
}

/** The owner of all sessions while callers are anonymous. */
export const ANONYMOUS_OWNER = '-';

/** Owner names that are used in keys as they are; any other is replaced by a digest of 44 such characters. */
export const OWNER = /^[A-Za-z0-9._@~-]{1,64}$/;

/** An owner as used in keys: the name as given when it is safe there, else its digest. */
export function ownerInKeys(name: string): string {
  if (OWNER.test(name)) return name;
  return `~${createHash('sha256').update(name).digest('base64url')}`;
}

export function anonymous(address: string): Caller {
  return { owner: ANONYMOUS_OWNER, ownerAsGiven: ANONYMOUS_OWNER, isAdmin: true, limitKey: address };
}

/** The session that a caller means by an id: always the caller's own. @throws invalid_request */
export function sessionOf(caller: Caller, conversationId: string): SessionRef {
  if (!isConversationId(conversationId)) {
    throw new TurnwiseError('invalid_request', { message: 'not a conversation id' });
  }
  return { owner: caller.owner, conversationId };
}
