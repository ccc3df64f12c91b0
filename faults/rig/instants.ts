import { setTimeout as sleep } from 'node:timers/promises';
import type { Trap } from '../../testkit/redis/redis-proxy.ts';
import type { Trial } from '../trial.ts';
import type { AnswerPlan } from './fault-model.ts';
import type { Slot } from './world.ts';

/** The instants of a turn at which a fault can strike, over the whole of it. */
export const INSTANTS = [
  'before the lock',
  'in the silence of the model',
  'between tokens',
  'after the last token',
  'before the commit arrives',
  'between commit and reply',
] as const;

export type Instant = (typeof INSTANTS)[number];

/** A turn that is held at an instant. */
export interface Held {
  /** Releases it, if its processes still live. */
  release(): void;
  /** Loses what is in flight to or from Redis. */
  lose(): void;
}

/** Prepares a turn to stop at an instant; `reached` settles when it has. */
export function holdAt(
  trial: Trial,
  slot: Slot,
  session: string,
  token: string,
  instant: Instant,
): { readonly reached: Promise<void>; readonly held: Held } {
  const inModel = (words: number, afterWords: number) => {
    const gate = trial.world.model.gate();
    const plan: Partial<AnswerPlan> = { words, gates: [{ afterWords, gate }] };
    trial.world.model.plan(token, plan);
    return { reached: gate.reached, held: { release: () => gate.open(), lose: () => gate.open() } };
  };
  const onWire = (where: 'request' | 'reply', name: string) => {
    if (slot.proxy === null) throw new Error(`${slot.name} has no proxy to hold ${name}`);
    const trap: Trap = slot.proxy.trap(
      where,
      (request) => request.name === name && request.session === session,
    );
    return {
      reached: trap.caught.then(() => undefined),
      held: { release: () => trap.open(), lose: () => trap.cut() },
    };
  };
  const words = trial.random.int(3, 12);
  switch (instant) {
    case 'before the lock':
      return onWire('request', 'redlock');
    case 'in the silence of the model':
      return inModel(words, 0);
    case 'between tokens':
      return inModel(words, trial.random.int(1, words));
    case 'after the last token':
      return inModel(words, words + 1);
    case 'before the commit arrives':
      return onWire('request', 'end-turn');
    case 'between commit and reply':
      return onWire('reply', 'end-turn');
  }
}

/** A short random delay, so that the fault does not always strike at the start of the instant. */
export async function aMoment(trial: Trial, mostMs = 25): Promise<void> {
  await sleep(trial.random.next() * mostMs);
}
