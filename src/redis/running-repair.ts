import type { TurnPlace } from '../conversation/ports.ts';
import type { ReconcileStep, SkippedKey } from '../conversation/reconcile-port.ts';
import { TURN_STATUSES } from '../conversation/turn.ts';
import type { Client } from './connect.ts';
import { answered, asTurnwiseError } from './failures.ts';
import { skippedFor } from './index-repair.ts';
import type { Keys } from './keys.ts';
import { memberOf, placeOf } from './running-index.ts';
import { type Score, scanScores } from './scan.ts';
import { type Settlement, settleScores } from './settle.ts';

type Seen = 'live' | 'over' | SkippedKey;

/** Holds the list of live turns to what sessions and the turns' own records say. */
export class RunningRepair {
  readonly #client: Client;
  readonly #keys: Keys;
  readonly #leaseMs: number;

  constructor(client: Client, keys: Keys, leaseMs: number) {
    this.#client = client;
    this.#keys = keys;
    this.#leaseMs = leaseMs;
  }

  /** Puts live turns back that the list lost, to be looked after one lease from now. @returns how many */
  async add(turns: readonly TurnPlace[], isDryRun: boolean): Promise<number> {
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
      // A list that is none is told of once, by `prune`.
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
    const place = placeOf(member);
    if (place === null) return 'over';
    const key = this.#keys.session(place.session).turn(place.turnId);
    try {
      const status = await this.#client.hget(key, 'status');
      if (status === null) return 'over';
      const isKnown = TURN_STATUSES.some((known) => known === status);
      if (!isKnown) return { key, reason: 'has no status that a turn can have' };
      return status === 'queued' || status === 'running' ? 'live' : 'over';
    } catch (error) {
      if (asTurnwiseError(error).code !== 'corrupt_session') throw asTurnwiseError(error);
      return { key, reason: 'is not a hash' };
    }
  }
}
