import type { TurnPlace } from '../conversation/ports.ts';
import type { Client } from './connect.ts';
import { type Keys, parseSessionTag, sessionTag } from './keys.ts';

/** Stands for the end of a lease in the list when a replica let go of the turn by itself. */
export const RELEASED_MS = 0;

/**
 * The list of live turns with the end of their lease, so that one nobody watches is taken over too. It stands
 * in a slot of its own, so it is written beside the scripts; what it says is only a hint to look.
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

  async add(turn: TurnPlace, leaseEndMs: number): Promise<void> {
    await this.#client.zadd(this.#key, leaseEndMs, memberOf(turn));
  }

  /** In the background: a lost write is made good by the next beat. */
  extend(turn: TurnPlace, leaseEndMs: number): void {
    // Not sent with XX: after Redis lost its memory, or a failover this list, the beat brings the turn back.
    this.#client.zadd(this.#key, leaseEndMs, memberOf(turn)).catch(this.#failed);
  }

  async suspect(turn: TurnPlace, lookAtMs: number): Promise<void> {
    await this.#client.zadd(this.#key, 'NX', lookAtMs, memberOf(turn));
  }

  /** In the background, all that ended within a tick together. */
  remove(turn: TurnPlace): void {
    if (this.#ended.size === 0) setImmediate(() => this.#flush());
    this.#ended.add(memberOf(turn));
  }

  #flush(): void {
    const members = [...this.#ended];
    this.#ended.clear();
    this.#client.zrem(this.#key, ...members).catch(this.#failed);
  }

  async overdue(nowMs: number, limit: number): Promise<readonly TurnPlace[]> {
    const members = await this.#client.zrangebyscore(this.#key, '-inf', `(${nowMs}`, 'LIMIT', 0, limit);
    return members.flatMap((member) => {
      const place = placeOf(member);
      return place === null ? [] : [place];
    });
  }
}

export function memberOf(turn: TurnPlace): string {
  return `${sessionTag(turn.session)}/${turn.turnId}`;
}

/** @returns null when the text is not such a member */
export function placeOf(member: string): TurnPlace | null {
  const cut = member.lastIndexOf('/');
  const session = parseSessionTag(member.slice(0, cut));
  return session === null ? null : { session, turnId: member.slice(cut + 1) };
}
