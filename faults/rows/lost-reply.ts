import { setTimeout as sleep } from 'node:timers/promises';
import { LOCK_TTL_MS, PLAIN } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { TAKEOVER_MS } from './kill.ts';

/** Every command that a turn, its readers and its end may need. */
export const KINDS = [
  'admit-turn',
  'redlock',
  'confirm-turn',
  'open-turn',
  'beat-turn',
  'append-log',
  'end-turn',
  'withdraw-turn',
  'watch-turn',
  'join-turn',
  'stop-turn',
  'delete-session',
  'zadd',
  'zrem',
  'hgetall',
  'read-log',
  'free-lock',
  'unjoin-turn',
  'confirm-repeat',
] as const;

const CLIENTS = 4;
const TURNS = 3;

/** Replies are lost after the command was executed, while clients with keys retry. */
async function loseReplies(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, codes: ['redis_unavailable', 'commit_unknown'] };
  const sessions = Array.from({ length: 3 }, () => trial.session());
  // Mostly writes, and also commands that only some turns need.
  const lose = () => {
    const kind = random.next() < 0.3 ? random.pick(KINDS) : random.pick(KINDS.slice(0, 7));
    const slot = random.pick(world.slots);
    const trap = slot.proxy?.loseReply((request) => request.name === kind);
    trap?.caught.then((request) => {
      trial.count(`lost replies`);
      trial.note(`the reply to ${request.name} of ${request.session} is lost on its way to ${slot.name}`);
      left -= 1;
      if (left > 0) traps.push(lose());
    });
    return trap;
  };
  let left = 10;
  const traps = Array.from({ length: 4 }, lose);
  world.model.setUsual({ words: 8, everyMs: 8, firstMs: 10 });
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      for (let turn = 0; turn < TURNS; turn += 1) {
        const session = random.pick(sessions);
        const route = random.next() < 0.6 ? 'stream' : 'json';
        const onBusy = random.next() < 0.15 ? 'coalesce' : 'enqueue';
        // Without a key a client cannot know the result; with one, it gets it in the end.
        if (random.next() < 0.3) await trial.say(session, { route, onBusy });
        else await trial.sayUntilDone(session, { route, onBusy });
      }
    }),
  );
  left = 0;
  for (const trap of traps) trap?.remove();
  world.model.setUsual({});
}

export const r13: Row = {
  id: 'R13',
  fault: 'the reply is lost after the command was executed, for each kind of command',
  holds: 'no message is stored twice; a key gives the result in the end',
  played: null,
  world: PLAIN,
  quick: 3,
  long: 130,
  run: loseReplies,
};

/** A client gets 503 because the reply to its admission was lost, and then the replica dies. */
async function neverConfirmed(trial: Trial, sendsAgain: boolean): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, mayCut: true, codes: ['redis_unavailable'] };
  const victim = random.pick(world.slots);
  const session = trial.session();
  if (random.next() < 0.5) await trial.say(session);
  const name = random.pick(['admit-turn', 'confirm-turn'] as const);
  // A confirmation that never arrives; one that arrives counts, even if the client cannot be notified.
  const trap =
    name === 'admit-turn'
      ? victim.proxy?.loseReply((request) => request.name === name && request.session === session)
      : victim.proxy?.trap('request', (request) => request.name === name);
  void trap?.caught.then(() => trap.cut());
  const refused = await trial.say(session, { route: random.pick(['json', 'stream'] as const) }, victim);
  trial.note(`kill -9 of ${victim.name} after its client got ${refused.end.kind}`);
  await world.kill(victim);
  trial.count('kills of unconfirmed admissions');
  // As long as a takeover may take, so that a wrong one has its chance.
  if (sendsAgain) await trial.say(session, {}, random.pick(trial.up));
  await sleep(LOCK_TTL_MS + 1500);
  await world.revive(victim);
}

export const r13b: Row = {
  id: 'R13b',
  fault: 'the reply to an admission, or its confirmation, is lost; the client gets 503; the replica dies',
  holds: 'a turn that was answered 503 never runs',
  played: null,
  world: PLAIN,
  quick: 1,
  long: 30,
  run: (trial) => neverConfirmed(trial, true),
};

export const r13c: Row = {
  id: 'R13c',
  fault: 'as R13b, without a turn that would wait behind the dead one',
  holds: 'the session is free again for `on_busy: reject` after lease and recovery',
  played: 'long run only',
  world: PLAIN,
  quick: 0,
  long: 10,
  run: (trial) => neverConfirmed(trial, false),
};

/** A turn waits on a replica that dies before confirming it; another turn waits behind it. */
async function deadHead(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, mayCut: true, codes: ['redis_unavailable'] };
  const victim = random.pick(world.slots);
  const others = world.slots.filter((slot) => slot !== victim);
  const session = trial.session();
  const token = trial.token(session);
  const gate = world.model.gate();
  world.model.plan(token, { gates: [{ afterWords: random.int(0, 6), gate }] });
  const running = trial.begin(session, {}, random.pick(others), token);
  await gate.reached;
  const trap = victim.proxy?.trap('reply', ({ name }) => name === 'admit-turn');
  const unconfirmed = trial.begin(session, {}, victim);
  await trap?.caught;
  trap?.cut();
  trial.note(`kill -9 of ${victim.name} before it learned that its turn waits`);
  await world.kill(victim);
  trial.count('kills of unconfirmed admissions');
  const behind = trial.begin(session, {}, random.pick(others));
  await sleep(random.int(0, 200));
  gate.open();
  const openedAt = performance.now();
  await behind.ended;
  if (behind.send.end.kind === 'done') {
    trial.measure('answered behind a dead admission', performance.now() - openedAt, TAKEOVER_MS);
  }
  await Promise.all([running.ended, unconfirmed.ended, world.revive(victim)]);
}

export const r13d: Row = {
  id: 'R13d',
  fault: 'kill -9 of a replica before it learns that its turn was admitted and waits; another waits behind',
  holds: 'the one behind is answered within LOCK_TTL_MS + 5 s',
  played: null,
  world: PLAIN,
  quick: 1,
  long: 30,
  run: deadHead,
};
