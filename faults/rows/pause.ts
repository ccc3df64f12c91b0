import { setTimeout as sleep } from 'node:timers/promises';
import { aMoment, holdAt, INSTANTS, type Instant } from '../rig/instants.ts';
import { LOCK_TTL_MS, PLAIN, type Slot } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';

/** A turn is held at an instant on a replica that cannot act until another has taken over. */
export async function overslept(
  trial: Trial,
  instant: Instant,
  stall: (slot: Slot) => () => void,
): Promise<void> {
  const { random, world } = trial;
  const sleeper = random.pick(world.slots);
  const others = world.slots.filter((slot) => slot !== sleeper);
  const session = trial.session();
  for (let turns = random.int(0, 2); turns > 0; turns -= 1) await trial.say(session);
  const token = trial.token(session);
  const { reached, held } = holdAt(trial, sleeper, session, token, instant);
  const turn = trial.begin(session, { route: random.next() < 0.7 ? 'stream' : 'json' }, sleeper, token);
  await Promise.race([reached, turn.ended]);
  await aMoment(trial);
  trial.note(`${sleeper.name} is frozen ${instant}`);
  const wake = stall(sleeper);
  trial.count('pauses');
  // Meanwhile, data from the model waits in the sockets of the sleeper.
  if (instant !== 'before the commit arrives' && random.next() < 0.5) held.release();
  const next = await trial.say(session, {}, random.pick(others));
  if (next.end.kind !== 'done')
    trial.wrong(`the turn behind a sleeper was not answered but ${next.end.kind}`, session);
  if (random.next() < 0.5) await trial.say(session, {}, random.pick(others));
  await sleep(random.int(0, LOCK_TTL_MS / 2));
  trial.note(`${sleeper.name} resumes`);
  wake();
  held.release();
  await turn.ended;
  if (turn.send.end.kind === 'cut') trial.wrong('the sleeper broke the connection of its client', session);
}

export const r24: Row = {
  id: 'R24',
  fault: 'the holder sleeps past its lease (SIGSTOP, SIGCONT) at a seeded instant of its turn',
  holds: 'its late commit writes nothing; its client gets the true answer',
  played: 'the client is answered from the log of the replica that took over',
  world: PLAIN,
  quick: 2,
  long: 200,
  run: (trial) =>
    overslept(trial, trial.random.pick(INSTANTS.slice(1, 4)), (slot) => {
      slot.process.pause();
      return () => slot.process.resume();
    }),
};

export const r25: Row = {
  id: 'R25',
  fault: 'the commit is held on the wire until another replica has taken the turn over, then arrives',
  holds: 'check and write are one script: the late commit is refused',
  played: null,
  world: PLAIN,
  quick: 2,
  long: 40,
  // Nothing else stalls: the beats of the holder wait behind its commit on the same connection.
  run: (trial) => overslept(trial, 'before the commit arrives', () => () => undefined),
};
