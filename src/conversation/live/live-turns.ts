import { TurnwiseError } from '../../errors.ts';
import type { Notice } from '../ports/notices.ts';
import type { TurnRef } from '../turn.ts';
import type { LiveTurn, Loss } from './live-turn.ts';

/** The turns that wait or run on this replica, by session and id. All of it is in Redis as well. */
export class LiveTurns {
  readonly #turns = new Map<string, LiveTurn>();
  readonly #maxTurns: number;
  #entered = 0;
  #isLeaving = false;
  #isDraining = false;

  constructor(maxTurns: number) {
    this.#maxTurns = maxTurns;
  }

  /** Turns that were ever here. */
  get entered(): number {
    return this.#entered;
  }

  get size(): number {
    return this.#turns.size;
  }

  /** This replica is about to shut down: it should get no new traffic, but still admits what comes. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  leave(): void {
    this.#isLeaving = true;
  }

  /** From now on no turn is admitted or taken over. */
  drain(): void {
    this.#isDraining = true;
  }

  /** @throws draining, overloaded */
  checkRoom(): void {
    if (this.#isDraining) throw new TurnwiseError('draining');
    if (this.#turns.size >= this.#maxTurns) throw new TurnwiseError('overloaded');
  }

  /** Takes a place for a new turn; others may have taken the last one since an earlier check. @throws as checkRoom */
  enter(turn: LiveTurn): void {
    this.checkRoom();
    this.add(turn);
  }

  add(turn: LiveTurn): void {
    this.#entered += 1;
    this.#turns.set(keyOf(turn.ref), turn);
  }

  remove(turn: LiveTurn): void {
    if (this.#turns.get(keyOf(turn.ref)) === turn) this.#turns.delete(keyOf(turn.ref));
  }

  find(turn: TurnRef): LiveTurn | undefined {
    return this.#turns.get(keyOf(turn));
  }

  /** Makes every waiting turn poll again: announcements may have been missed. */
  wakeAll(): void {
    for (const turn of this.#turns.values()) turn.wakeup.call();
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
        turn.wakeup.call();
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

export function keyOf({ session, turnId }: TurnRef): string {
  return `${session.owner}/${session.conversationId}/${turnId}`;
}
