import type { SessionRef } from '../conversation/session.ts';

/** Version of the key layout that this file defines; a replica that finds another one refuses to start. */
export const FORMAT_VERSION = '2';

/** The keys of one session. They share a hash tag, so that a script may touch them all in a Cluster. */
export interface SessionKeys {
  readonly meta: string;
  readonly messages: string;
  readonly queue: string;
  readonly turns: string;
  readonly lock: string;
  turn(turnId: string): string;
  log(turnId: string): string;
  idempotency(hash: string): string;
  /** Channel on which the growth of a turn's log is announced. */
  watch(turnId: string): string;
}

/** The only place where keys and channel names are made. */
export interface Keys {
  session(session: SessionRef): SessionKeys;
  readonly running: string;
  readonly index: string;
  ownerIndex(owner: string): string;
  readonly reconcile: string;
  readonly format: string;
  readonly ratePrefix: string;
  /** Prefix of BullMQ's keys: braced, so that a Cluster keeps them in one slot. */
  readonly jobs: string;
  readonly replicaChannelPrefix: string;
}

export function makeKeys(prefix: string): Keys {
  return {
    session: (session) => sessionKeys(prefix, sessionTag(session)),
    running: `${prefix}:running`,
    index: `${prefix}:index`,
    ownerIndex: (owner) => `${prefix}:index:${owner}`,
    reconcile: `${prefix}:reconcile`,
    format: `${prefix}:format`,
    ratePrefix: `${prefix}:rate:`,
    jobs: `{${prefix}:bull}`,
    replicaChannelPrefix: `${prefix}:replica:`,
  };
}

function sessionKeys(prefix: string, tag: string): SessionKeys {
  const base = `${prefix}:{${tag}}`;
  return {
    meta: `${base}:meta`,
    messages: `${base}:messages`,
    queue: `${base}:queue`,
    turns: `${base}:turns`,
    lock: `${base}:lock`,
    turn: (turnId) => `${base}:turn:${turnId}`,
    log: (turnId) => `${base}:log:${turnId}`,
    idempotency: (hash) => `${base}:idem:${hash}`,
    watch: (turnId) => `${base}:watch:${turnId}`,
  };
}

/** `owner/conversation`: neither part can hold a slash or a brace, so no name can reach out of its part. */
export function sessionTag(session: SessionRef): string {
  return `${session.owner}/${session.conversationId}`;
}

/** @returns null when the text is not such a pair */
export function parseSessionTag(tag: string): SessionRef | null {
  const cut = tag.indexOf('/');
  return cut < 1 ? null : { owner: tag.slice(0, cut), conversationId: tag.slice(cut + 1) };
}
