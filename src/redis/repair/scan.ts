import { Cluster } from 'ioredis';
import type { Client } from '../server/connect.ts';
import { answered } from '../server/failures.ts';

/** Keys that Redis scans in one step: well under a millisecond of its time. */
const KEYS_PER_STEP = 1000;

/** The keys that match a pattern, in bounded steps, some of them empty; of every master in a Cluster. */
export async function* scanKeys(client: Client, pattern: string): AsyncGenerator<readonly string[]> {
  // A Cluster has no SCAN of its own: each master knows only the keys of its slots.
  for (const node of client instanceof Cluster ? client.nodes('master') : [client]) {
    let cursor = '0';
    do {
      const [next, keys] = await answered(node.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_PER_STEP));
      cursor = next;
      yield keys;
    } while (cursor !== '0');
  }
}

export interface Score {
  readonly member: string;
  readonly score: number;
}

/** The entries of a sorted set, in bounded steps. @throws corrupt_session when it is not one */
export async function* scanScores(client: Client, key: string): AsyncGenerator<readonly Score[]> {
  let cursor = '0';
  do {
    const [next, flat] = await answered(client.zscan(key, cursor, 'COUNT', KEYS_PER_STEP));
    cursor = next;
    yield Array.from({ length: flat.length / 2 }, (_, index) => ({
      member: flat[index * 2] ?? '',
      score: toScore(flat[index * 2 + 1]),
    }));
  } while (cursor !== '0');
}

/** Redis writes the infinite scores as `inf` and `-inf`. */
export function toScore(text: string | null | undefined): number {
  return Number(String(text).replace('inf', 'Infinity'));
}

/** A list in parts of at most `size` items. */
export function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
