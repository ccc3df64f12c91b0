import type { TurnRef } from '../../conversation/turn.ts';
import { type Keys, parseSessionTag, sessionTag } from '../keys.ts';
import type { Client } from '../server/connect.ts';

/** Each write of its own costs a system call here, and wakes Redis. */
const REMOVE_AFTER_MS = 50;

/** In place of the end of a lease, when a replica released the turn itself. */
export const RELEASED_MS = 0;

/**
 * The list of live turns with the end of their lease, so that a turn without readers is taken over too. It is in a slot
 * of its own, so it is written beside the scripts; an entry is only a hint to look.
 */
export class RunningIndex {
  readonly #client: Client;
  readonly #key: string;
  readonly #failed: (error: unknown) => void;
  readonly #ended = new Set<string>();

  constructor(client: Client, keys: Keys, failed: (error: unknown) => void) {
    this.#client = client;
    this.#key = keys.running;
    this.#failed = failed;
  }

  async add(turn: TurnRef, leaseEndMs: number): Promise<void> {
    await this.#client.zadd(this.#key, leaseEndMs, memberOf(turn));
  }

  /** In the background: the next beat makes up for a lost write. */
  extend(turn: TurnRef, leaseEndMs: number): void {
    // Not sent with XX: after Redis lost its data, or a failover this list, the beat brings the turn back.
    this.#client.zadd(this.#key, leaseEndMs, memberOf(turn)).catch(this.#failed);
  }

  async suspect(turn: TurnRef, lookAtMs: number): Promise<void> {
    await this.#client.zadd(this.#key, 'NX', lookAtMs, memberOf(turn));
  }

  /** In the background, a moment later for all that ended meanwhile: until its lease ends, an entry is not looked at. */
  remove(turn: TurnRef): void {
    if (this.#ended.size === 0) setTimeout(() => this.flush(), REMOVE_AFTER_MS).unref();
    this.#ended.add(memberOf(turn));
  }

  /** Writes what is due at once. */
  flush(): void {
    const members = [...this.#ended];
    this.#ended.clear();
    if (members.length === 0) return;
    this.#client.zrem(this.#key, ...members).catch(this.#failed);
  }

  /** Turns whose lease ended before a moment, oldest first. */
  async overdue(beforeMs: number, limit: number): Promise<readonly { turn: TurnRef; leaseEndMs: number }[]> {
    const flat = await this.#client.zrangebyscore(
      this.#key,
      '-inf',
      `(${beforeMs}`,
      'WITHSCORES',
      'LIMIT',
      0,
      limit,
    );
    return Array.from({ length: flat.length / 2 }, (_, at) => at * 2).flatMap((at) => {
      const turn = turnOf(flat[at] ?? '');
      return turn === null ? [] : [{ turn, leaseEndMs: Number(flat[at + 1]) }];
    });
  }
}

export function memberOf(turn: TurnRef): string {
  return `${sessionTag(turn.session)}/${turn.turnId}`;
}

/** @returns null when the text is not such a member */
export function turnOf(member: string): TurnRef | null {
  const cut = member.lastIndexOf('/');
  const session = parseSessionTag(member.slice(0, cut));
  return session === null ? null : { session, turnId: member.slice(cut + 1) };
}
