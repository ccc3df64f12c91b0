import { setTimeout as sleep } from 'node:timers/promises';
import { keyOf } from '../../testkit/redis/stored-session.ts';
import { tokenOfCall } from '../checker/facts.ts';
import { aMoment, holdAt, INSTANTS } from '../rig/instants.ts';
import { LOCK_TTL_MS, PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';

/** The one replica that has a Redis user of its own, so that it can lose rights. */
const USER = { name: 'narrow', password: 'narrow' };

/** Everything but the list of live turns, and one key of a session that a beat needs and the lock does not. */
const ALL_BUT_BEATS = [
  ...['meta', 'messages', 'queue', 'lock'].map((name) => `~*:${name}`),
  ...['turn', 'log', 'idem'].map((name) => `~*:${name}:*`),
  '~turnwise:index*',
];

/** Recovery looks once a second for turns whose lease has expired; this is time for two looks. */
const LOOKS_MS = LOCK_TTL_MS + 2200;

/** Redis refuses the beats of a running turn, past its lease, and goes on to extend its lock. */
async function beatsRefused(trial: Trial): Promise<void> {
  const { random, world } = trial;
  const holder = trial.slot(0);
  const session = trial.session();
  for (let turns = random.int(0, 2); turns > 0; turns -= 1) await trial.say(session);
  const token = trial.token(session);
  const { reached, held } = holdAt(trial, holder, session, token, random.pick(INSTANTS.slice(1, 4)));
  const turn = trial.begin(session, { route: random.pick(['json', 'stream'] as const) }, holder, token);
  await Promise.race([reached, turn.ended]);
  await aMoment(trial);
  trial.note(`Redis refuses the beats of ${holder.name}`);
  await world.redis.ask('ACL', 'SETUSER', USER.name, 'resetkeys', ...ALL_BUT_BEATS);
  trial.count('turns without beats');
  await sleep(LOOKS_MS + random.int(0, LOCK_TTL_MS));
  const asked = world.model.calls.filter((call) => tokenOfCall(call) === token).length;
  if (asked > 1) trial.wrong(`${asked} model calls for one turn at once`, session);
  // A program that knows nothing of fences, and asks as everybody asks for a lock.
  const taken = await world.redis.ask('SET', keyOf({ id: session }, 'lock'), 'a stranger', 'NX', 'PX', 1);
  if (taken !== null) trial.wrong('a stranger was given the lock of a running turn', session);
  await world.redis.ask('ACL', 'SETUSER', USER.name, 'allkeys');
  trial.note(`Redis takes the beats of ${holder.name} again`);
  held.release();
  await turn.ended;
  if (turn.send.end.kind !== 'done') trial.wrong(`the turn ended ${turn.send.end.kind}`, session);
}

export const r39: Row = {
  id: 'R39',
  fault: 'Redis refuses the beats of a running turn past its lease, but not to extend its lock',
  holds: 'no other replica begins the turn: the model is asked once; nobody else is given the lock',
  played: 'the Redis user of that replica loses its right to keys that beats need',
  world: {
    ...PLAIN,
    redisArgs: ['--user', USER.name, 'on', `>${USER.password}`, '~*', '&*', '+@all'],
    slotEnv: [{ REDIS_USERNAME: USER.name, REDIS_PASSWORD: USER.password }],
  },
  quick: 1,
  long: 30,
  run: beatsRefused,
};
