import { TurnwiseError } from '../errors.ts';
import type { LiveTurn, Loss } from './live-turn.ts';
import type { Notice, TurnPlace } from './ports.ts';

/** The turns that wait or run on this replica, by session and id. Nothing here that Redis does not know as well. */
export class LiveTurns {
  readonly #turns = new Map<string, LiveTurn>();
  readonly #maxTurns: number;
  #isLeaving = false;
  #isDraining = false;

  constructor(maxTurns: number) {
    this.#maxTurns = maxTurns;
  }

  get size(): number {
    return this.#turns.size;
  }

  /** This replica is about to go: it should get no new traffic, but still takes what comes. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  leave(): void {
    this.#isLeaving = true;
  }

  /** From now on no turn is taken in, nor over. */
  drain(): void {
    this.#isDraining = true;
  }

  /** @throws draining, overloaded */
  checkRoom(): void {
    if (this.#isDraining) throw new TurnwiseError('draining');
    if (this.#turns.size >= this.#maxTurns) throw new TurnwiseError('overloaded');
  }

  /** Takes a place for a new turn; what was awaited since the last look may have filled all. @throws as checkRoom */
  enter(turn: LiveTurn): void {
    this.checkRoom();
    this.add(turn);
  }

  add(turn: LiveTurn): void {
    this.#turns.set(keyOf(turn.ref), turn);
  }

  remove(turn: LiveTurn): void {
    if (this.#turns.get(keyOf(turn.ref)) === turn) this.#turns.delete(keyOf(turn.ref));
  }

  find(place: TurnPlace): LiveTurn | undefined {
    return this.#turns.get(keyOf(place));
  }

  all(): readonly LiveTurn[] {
    return [...this.#turns.values()];
  }

  /** Everybody who waits looks again: announcements may have been missed. */
  wakeAll(): void {
    for (const turn of this.#turns.values()) turn.bell.ring();
  }

  loseAll(loss: Loss): void {
    for (const turn of this.#turns.values()) turn.lose(loss);
  }

  /** Hands an announcement to the turn that it is about, if it is here. */
  notice(notice: Exclude<Notice, { kind: 'orphans' }>): void {
    const turn = this.find(notice);
    if (turn === undefined) return;
    switch (notice.kind) {
      case 'wake':
        turn.bell.ring();
        return;
      case 'stop':
        turn.askToStop(notice.stop);
        return;
      case 'fenced':
        turn.lose('fenced');
        return;
      case 'ended':
        turn.lose(notice.code === 'session_deleted' ? 'gone' : 'fenced');
        return;
    }
  }
}

function keyOf(place: TurnPlace): string {
  return `${place.session.owner}/${place.session.conversationId}/${place.turnId}`;
}
