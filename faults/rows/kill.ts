import { aMoment, holdAt, INSTANTS } from '../rig/instants.ts';
import { LOCK_TTL_MS, PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';

/** The promised time of a takeover: the lease plus five seconds. */
export const TAKEOVER_MS = LOCK_TTL_MS + 5000;

/** kill -9 of the replica that runs a turn, at a random instant of the turn. */
async function kill(trial: Trial): Promise<void> {
  const { random, world } = trial;
  // A held reply may time out before the kill.
  trial.rules = { ...trial.rules, mayCut: true, codes: ['redis_unavailable', 'commit_unknown'] };
  const victim = random.pick(world.slots);
  const others = world.slots.filter((slot) => slot !== victim);
  const session = trial.session();
  // Some history first, on any replica.
  for (let turns = random.int(0, 2); turns > 0; turns -= 1) await trial.say(session);
  const instant = random.pick(INSTANTS);
  const token = trial.token(session);
  const { reached, held } = holdAt(trial, victim, session, token, instant);
  const route = random.next() < 0.7 ? 'stream' : 'json';
  const key = random.next() < 0.5 ? `key-${token}` : null;
  const turn = trial.begin(session, { route, key }, victim, token);
  await Promise.race([reached, turn.ended]);
  // Some turns wait behind it, also on the victim.
  const behind = Array.from({ length: random.int(0, 2) }, () =>
    trial.begin(session, {}, random.pick(world.slots)),
  );
  const other = trial.session();
  const bystander = trial.begin(other, {}, random.pick(others));
  await aMoment(trial);
  trial.note(`kill -9 of ${victim.name} ${instant}`);
  const killedAt = performance.now();
  await world.kill(victim);
  trial.count('kills');
  // Data in flight may still arrive, at once or after a takeover, or be lost.
  const late = random.pick(['lost', 'at once', 'late'] as const);
  if (late === 'lost') held.lose();
  if (late === 'at once') held.release();
  const revived = world.revive(victim);
  const probe = await trial.say(session, { deadlineMs: TAKEOVER_MS + 5000 }, random.pick(others));
  if (probe.end.kind === 'done')
    trial.measure('served again after a kill', performance.now() - killedAt, TAKEOVER_MS);
  if (late === 'late') held.release();
  // A client that was cut retries under its key.
  await turn.ended;
  if (key !== null && turn.send.end.kind === 'cut')
    await trial.say(session, { key }, random.pick(others), token);
  await Promise.all([...behind.map(({ ended }) => ended), bystander.ended, revived]);
}

export const r1: Row = {
  id: 'R1',
  fault: 'kill -9 of the replica in the middle of a turn, at a seeded instant of it',
  holds: 'the session is served again within LOCK_TTL_MS + 5 s',
  played: null,
  world: PLAIN,
  quick: 3,
  long: 200,
  run: kill,
};
