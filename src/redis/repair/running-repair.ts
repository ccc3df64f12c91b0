import { hasEnded, TURN_STATUSES, type TurnRef } from '../../conversation/turn.ts';
import type { ReconcileStep, SkippedKey } from '../../upkeep/port.ts';
import type { Keys } from '../keys.ts';
import type { Client } from '../server/connect.ts';
import { answered, asTurnwiseError } from '../server/failures.ts';
import { memberOf, turnOf } from '../turns/running-index.ts';
import { skippedFor } from './index-repair.ts';
import { type Score, scanScores } from './scan.ts';
import { type Settlement, settleScores } from './settle.ts';

type Seen = 'live' | 'over' | SkippedKey;

/** Makes the list of live turns match the sessions and the turns' own records. */
export class RunningRepair {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #leaseMs: number;

  constructor(client: Client, keys: Keys, leaseMs: number) {
    this.#client = client;
    this.#keys = keys;
    this.#leaseMs = leaseMs;
  }

  /** Puts live turns back on the list, to be checked one lease from now. @returns how many */
  async add(turns: readonly TurnRef[], isDryRun: boolean): Promise<number> {
    if (turns.length === 0) return 0;
    try {
      const members = turns.map(memberOf);
      const scores = await answered(this.#client.zmscore(this.#keys.running, ...members));
      const [seconds] = await answered(this.#client.time());
      const score = Number(seconds) * 1000 + this.#leaseMs;
      const lost = members
        .filter((_, index) => scores[index] === null)
        .map((member): Settlement => ({ member, seen: null, score }));
      return (await settleScores(this.#client, this.#keys.running, lost, isDryRun)).length;
    } catch (error) {
      // A list that is not a sorted set is reported once, by `prune`.
      skippedFor(this.#keys.running, error);
      return 0;
    }
  }

  /** Removes turns whose record is gone or says that they ended. */
  async *prune(isDryRun: boolean): AsyncGenerator<ReconcileStep> {
    try {
      for await (const entries of scanScores(this.#client, this.#keys.running)) {
        yield await this.#pruneStep(entries, isDryRun);
      }
    } catch (error) {
      yield { scanned: 0, repairs: {}, skipped: [skippedFor(this.#keys.running, error)] };
    }
  }

  async #pruneStep(entries: readonly Score[], isDryRun: boolean): Promise<ReconcileStep> {
    const seen = await Promise.all(entries.map(({ member }) => this.#look(member)));
    const over = entries
      .filter((_, index) => seen[index] === 'over')
      .map(({ member, score }): Settlement => ({ member, seen: score, score: null }));
    return {
      scanned: entries.length,
      repairs: {
        running_removed: (await settleScores(this.#client, this.#keys.running, over, isDryRun)).length,
      },
      skipped: seen.filter((one): one is SkippedKey => typeof one === 'object'),
    };
  }

  async #look(member: string): Promise<Seen> {
    const turn = turnOf(member);
    if (turn === null) return 'over';
    const key = this.#keys.session(turn.session).turn(turn.turnId);
    try {
      const status = await this.#client.hget(key, 'status');
      if (status === null) return 'over';
      const known = TURN_STATUSES.find((one) => one === status);
      if (known === undefined) return { key, reason: 'has no status that a turn can have' };
      return hasEnded(known) ? 'over' : 'live';
    } catch (error) {
      if (asTurnwiseError(error).code !== 'corrupt_session') throw asTurnwiseError(error);
      return { key, reason: 'is not a hash' };
    }
  }
}
