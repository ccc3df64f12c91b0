import { setTimeout as sleep } from 'node:timers/promises';
import type { Notice } from '../../conversation/ports/notices.ts';
import { isStopKind, type TurnRef } from '../../conversation/turn.ts';
import { parseObject } from '../json.ts';
import { type Keys, parseSessionTag } from '../keys.ts';
import type { Client } from './connect.ts';

type Listener = () => void;

const SUBSCRIBE_PATIENCE_MS = 500;

/** Channel on which every replica listens. */
const EVERYBODY = 'all';

/**
 * Announcements of other replicas and scripts to this one. They can be lost, so each only hastens what polling Redis
 * would find as well; after a reconnect all that wait are woken to poll.
 */
export class Mailbox {
  readonly #subscriber: Client;
  readonly #ownChannel: string;
  readonly #sharedChannel: string;
  readonly #noticed: (notice: Notice) => void;
  readonly #missed: () => void;
  readonly #watchers = new Map<string, Set<Listener>>();

  constructor(
    subscriber: Client,
    keys: Keys,
    replicaId: string,
    noticed: (notice: Notice) => void,
    missed: () => void,
  ) {
    this.#subscriber = subscriber;
    this.#ownChannel = `${keys.replicaChannelPrefix}${replicaId}`;
    this.#sharedChannel = `${keys.replicaChannelPrefix}${EVERYBODY}`;
    this.#noticed = noticed;
    this.#missed = missed;
    subscriber.on('message', (channel: string, text: string) => this.#received(channel, text));
    subscriber.on('ready', () => this.#lookAgain());
    subscriber.subscribe(this.#ownChannel, this.#sharedChannel).then(
      () => this.#lookAgain(),
      // Only when the connection is given up for good, at shutdown.
      () => {},
    );
  }

  /** Calls back at each message of a channel. @returns stops it */
  async watch(channel: string, listener: Listener): Promise<() => void> {
    const listeners = this.#watchers.get(channel) ?? new Set();
    this.#watchers.set(channel, listeners);
    listeners.add(listener);
    if (listeners.size === 1) {
      const subscribed = this.#subscriber.subscribe(channel).catch(() => {});
      // This connection waits for Redis as long as it takes; a reader does not, and polls meanwhile.
      await Promise.race([subscribed, sleep(SUBSCRIBE_PATIENCE_MS)]);
    }
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0 || this.#watchers.get(channel) !== listeners) return;
      this.#watchers.delete(channel);
      this.#subscriber.unsubscribe(channel).catch(() => {});
    };
  }

  #lookAgain(): void {
    this.#missed();
    for (const listeners of this.#watchers.values()) for (const listener of listeners) listener();
  }

  #received(channel: string, text: string): void {
    if (channel === this.#ownChannel || channel === this.#sharedChannel) {
      const notice = parseNotice(text);
      if (notice !== null) this.#noticed(notice);
      return;
    }
    for (const listener of this.#watchers.get(channel) ?? []) listener();
  }
}

export async function announceOrphans(client: Client, keys: Keys): Promise<void> {
  await client.publish(`${keys.replicaChannelPrefix}${EVERYBODY}`, JSON.stringify({ kind: 'orphans' }));
}

function parseNotice(text: string): Notice | null {
  const message = parseObject(text);
  if (message?.kind === 'orphans') return { kind: 'orphans' };
  const turn = turnIn(message);
  if (message === null || turn === null) return null;
  switch (message.kind) {
    case 'wake':
    case 'fenced':
      return { kind: message.kind, ...turn };
    case 'ended':
      return { kind: 'ended', ...turn, code: String(message.code) };
    case 'stop': {
      const stop = String(message.stop);
      return isStopKind(stop) ? { kind: 'stop', ...turn, stop } : null;
    }
    default:
      return null;
  }
}

function turnIn(message: Readonly<Record<string, unknown>> | null): TurnRef | null {
  if (typeof message?.session !== 'string' || typeof message.turn !== 'string') return null;
  const session = parseSessionTag(message.session);
  return session === null ? null : { session, turnId: message.turn };
}
