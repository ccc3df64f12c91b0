import { SCRIPTS } from '../scripts.ts';
import type { Client } from '../server/connect.ts';

/** An entry of a sorted set as it was seen, and as it should be; null where there is none. */
export interface Settlement {
  readonly member: string;
  readonly seen: number | null;
  readonly score: number | null;
}

/**
 * Changes entries of a sorted set, each only if it still has the score that was seen.
 *
 * @returns those that were changed; in a dry run all, with nothing done
 */
export async function settleScores(
  client: Client,
  key: string,
  settlements: readonly Settlement[],
  isDryRun: boolean,
): Promise<readonly Settlement[]> {
  if (isDryRun || settlements.length === 0) return settlements;
  const written = settlements.flatMap(({ member, seen, score }) => [member, asText(seen), asText(score)]);
  const { changed } = await SCRIPTS.settleScores.run(client, { scores: key }, { entries: written });
  return settlements.filter((_, index) => changed[index] === '1');
}

function asText(score: number | null): string {
  if (score === null) return '';
  return Number.isFinite(score) ? String(score) : score > 0 ? 'inf' : '-inf';
}
