import type { ListOrder } from '../../conversation/ports/sessions.ts';
import { TurnwiseError } from '../../errors.ts';
import type { Keys } from '../keys.ts';
import type { RedisClock } from '../server/clock.ts';
import type { Client } from '../server/connect.ts';

interface IndexPage {
  readonly conversationIds: readonly string[];
  readonly total: number;
  readonly nextCursor: string | null;
}

interface Place {
  readonly score: number;
  readonly member: string;
}

/** Counts and pages the live sessions of an owner by the index alone. Score = expiry, so newest access is first. */
export class SessionIndex {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #clock: RedisClock;

  constructor(client: Client, keys: Keys, clock: RedisClock) {
    this.#client = client;
    this.#keys = keys;
    this.#clock = clock;
  }

  count(owner: string | null): Promise<number> {
    const key = owner === null ? this.#keys.index : this.#keys.ownerIndex(owner);
    return this.#client.zcount(key, `(${this.#clock.nowMs()}`, '+inf');
  }

  async page(owner: string, limit: number, cursor: string | null, order: ListOrder): Promise<IndexPage> {
    const after = cursor === null ? null : parseCursor(cursor);
    const [total, places] = await Promise.all([
      this.count(owner),
      this.#after(owner, limit + 1, after, order),
    ]);
    const shown = places.slice(0, limit);
    const last = shown.at(-1);
    return {
      conversationIds: shown.map((place) => place.member),
      total,
      nextCursor: places.length > limit && last !== undefined ? formatCursor(last) : null,
    };
  }

  /** The cursor behind a session; null when it is not live. */
  async cursorOf(owner: string, conversationId: string): Promise<string | null> {
    const score = await this.#client.zscore(this.#keys.ownerIndex(owner), conversationId);
    const isLive = score !== null && Number(score) > this.#clock.nowMs();
    return isLive ? formatCursor({ score: Number(score), member: conversationId }) : null;
  }

  /** The places after one, by score and then name, both in the same direction: stable while other sessions move. */
  async #after(
    owner: string,
    wanted: number,
    after: Place | null,
    order: ListOrder,
  ): Promise<readonly Place[]> {
    const key = this.#keys.ownerIndex(owner);
    const least = `(${this.#clock.nowMs()}`;
    const isNewestFirst = order === 'newest-first';
    const found: Place[] = [];
    for (let offset = 0; found.length < wanted; ) {
      const page = ['WITHSCORES', 'LIMIT', offset, wanted] as const;
      const flat = isNewestFirst
        ? await this.#client.zrevrangebyscore(key, after?.score ?? '+inf', least, ...page)
        : await this.#client.zrangebyscore(key, after?.score ?? least, '+inf', ...page);
      for (let index = 0; index < flat.length; index += 2) {
        const place = { member: flat[index] ?? '', score: Number(flat[index + 1]) };
        const isBehind = after === null || isAfter(place, after, isNewestFirst);
        if (isBehind && found.length < wanted) found.push(place);
      }
      if (flat.length < wanted * 2) break;
      offset += wanted;
    }
    return found;
  }
}

function isAfter(place: Place, other: Place, isNewestFirst: boolean): boolean {
  const [one, two] = isNewestFirst ? [other, place] : [place, other];
  return one.score > two.score || (one.score === two.score && one.member > two.member);
}

function formatCursor(place: Place): string {
  return Buffer.from(`${place.score} ${place.member}`).toString('base64url');
}

/** @throws invalid_request when the text is not one of ours: to start over would page for ever */
function parseCursor(cursor: string): Place {
  const match = /^(\d{1,16}) ([^\s]{1,128})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match?.[2] === undefined) {
    throw new TurnwiseError('invalid_request', { message: 'cursor is not one that this server gave' });
  }
  return { score: Number(match[1]), member: match[2] };
}
