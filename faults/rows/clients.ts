import { call } from '../../testkit/http/http.ts';
import { openStream } from '../../testkit/http/sse.ts';
import type { Step } from '../../testkit/model/model-script.ts';
import type { Send } from '../checker/story.ts';
import { metric } from '../rig/read-end.ts';
import { PLAIN, type Slot } from '../rig/world.ts';
import type { Row } from '../row.ts';
import type { Trial } from '../trial.ts';
import { memoryOf } from './redis-restart.ts';
import { measureUntil, SLACK_MS } from './traffic.ts';

/** Clients that read nothing of long answers. */
async function slowReaders(trial: Trial): Promise<void> {
  const { world } = trial;
  const [clients, size] = trial.isQuick ? [20, 200_000] : [500, 1_000_000];
  const before = await memoryOf(trial);
  const readers = await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      const session = `${trial.session()}-slow`;
      world.model.plan(`${session}-m0`, { script: (one) => [{ delta: one.answer }, ...bulk(size)] });
      const reader = await openStream(`${trial.slot(index).url}/api/chat/stream`, {
        method: 'POST',
        body: { message: `say ${session}-m0 please`, conversation_id: session },
      });
      reader.pause();
      return { reader, session, turnId: String(reader.headers['x-turn-id']) };
    }),
  );
  const other = trial.session();
  for (let turns = 0; turns < 5; turns += 1) {
    const sentAt = performance.now();
    await trial.say(other);
    trial.measure('a turn beside slow readers', performance.now() - sentAt);
  }
  await measureUntil(trial, 'the turns of slow readers are committed', 30_000 + SLACK_MS, async () => {
    const states = await Promise.all(
      readers.map(async ({ session, turnId }) => {
        const path = `/api/sessions/${session}/turns/${turnId}`;
        return (await call<{ status: string }>(trial.slot(0).url, 'GET', path)).body.status;
      }),
    );
    return states.every((status) => status === 'completed');
  });
  const grown = (await memoryOf(trial)) - before;
  // The answer, the buffer for its reader, and the queued events: four times its size.
  const atMost = clients * (65_536 + 4 * size) * 1.2 + 50_000_000;
  if (grown > atMost) trial.wrong(`${clients} slow readers cost ${grown} bytes, at most ${atMost}`);
  trial.note(`${clients} readers that read nothing cost ${Math.round(grown / clients)} bytes each`);
  for (const { reader } of readers) reader.destroy();
}

function bulk(size: number): Step[] {
  const piece = 'x'.repeat(10_000);
  return Array.from({ length: Math.ceil(size / piece.length) }, () => ({ delta: piece }));
}

export const r16: Row = {
  id: 'R16',
  fault: 'clients that read nothing of long answers',
  holds: 'their turns are committed, memory stays bounded, others are answered',
  played: 'a turn in flight holds its whole answer, so each client may cost four times its size',
  world: PLAIN,
  isHeavy: true,
  quick: 1,
  long: 3,
  run: slowReaders,
};

/** Clients that disconnect in the middle of their stream. */
async function vanishingClients(trial: Trial): Promise<void> {
  const { random, world } = trial;
  const files = await Promise.all(world.slots.map((slot) => openFiles(slot)));
  const clients = trial.isQuick ? 30 : 250;
  world.model.setUsual({ words: 10, everyMs: 3 });
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const session = trial.session();
      const sends = random.int(1, 2);
      for (let turn = 0; turn < sends; turn += 1)
        await trial.say(session, { leavesAfter: random.int(1, 10) });
    }),
  );
  world.model.setUsual({});
  trial.count('clients that left', clients);
  await measureUntil(trial, 'descriptors are as before', 10_000, async () => {
    const now = await Promise.all(world.slots.map((slot) => openFiles(slot)));
    return now.every((count, index) => count <= (files[index] ?? 0) + 5);
  });
}

async function openFiles(slot: Slot): Promise<number> {
  const { body } = await call<string>(slot.url, 'GET', '/metrics');
  return metric(body, 'process_open_fds') ?? 0;
}

export const r17: Row = {
  id: 'R17',
  fault: 'clients break their connection at a random event of their stream',
  holds: 'the turn continues and is stored whole; no descriptor leaks',
  played: 'with `ON_DISCONNECT=continue`: the model call is not aborted',
  world: PLAIN,
  isHeavy: true,
  quick: 1,
  long: 4,
  run: vanishingClients,
};

/** The same request many times at once, on all replicas and both routes. */
async function duplicates(trial: Trial): Promise<void> {
  const { random, world } = trial;
  trial.rules = { ...trial.rules, codes: ['idempotency_mismatch'] };
  const session = trial.session();
  await trial.say(session);
  const token = trial.token(session);
  const key = `key-${token}`;
  const dies = random.next() < 0.5;
  // Killed before it saw the admission, its turn is not taken over: every caller must retry, and it runs again.
  const codes = ['idempotency_mismatch', 'redis_unavailable'];
  if (dies) trial.rules = { ...trial.rules, mayCut: true, codes };
  const victim = random.pick(world.slots);
  world.model.plan(token, { words: 8, everyMs: 20 });
  const sends = Array.from({ length: trial.isQuick ? 30 : 50 }, (_, index) =>
    trial.begin(session, { key, route: index % 2 === 0 ? 'json' : 'stream' }, trial.slot(index), token),
  );
  let revived: Promise<void> | undefined;
  if (dies) {
    await new Promise((resolve) => setTimeout(resolve, random.int(5, 150)));
    trial.note(`kill -9 of ${victim.name}`);
    await world.kill(victim);
    revived = world.revive(victim);
  }
  await Promise.all(sends.map(({ ended }) => ended));
  await revived;
  const again = await Promise.all(
    world.slots.map((slot) => trial.say(session, { key, route: 'json' }, slot, token)),
  );
  const isAskedAgain = ({ end, turnId }: Send) =>
    dies && end.kind === 'error' && end.code === 'redis_unavailable' && turnId !== again[0]?.turnId;
  const heard = sends
    .map(({ send }) => send)
    .filter((send) => send.end.kind !== 'cut' && !isAskedAgain(send));
  const all = [...heard, ...again];
  const turns = new Set(all.map(({ turnId }) => turnId));
  if (turns.size !== 1) trial.wrong(`one key became ${turns.size} turns`, session);
  const replies = new Set(all.map(({ end }) => (end.kind === 'done' ? end.reply : end.kind)));
  if (replies.size !== 1)
    trial.wrong(`one key was answered in ${replies.size} ways: ${[...replies]}`, session);
  const other = await trial.say(session, { key, route: 'json' }, undefined, trial.token(session));
  if (other.end.kind !== 'error' || other.end.code !== 'idempotency_mismatch') {
    trial.wrong(`the key with another message ended ${other.end.kind}`, session);
  }
  trial.count('duplicates', all.length);
}

export const r22: Row = {
  id: 'R22',
  fault:
    'one Idempotency-Key, 30 or 50 requests at once over 3 replicas and both routes, also with a kill -9',
  holds: 'one turn, equal answers; the key with another message is 422',
  played:
    'a repeat while the turn runs is answered with it; when a replica dies before it saw the admission, its callers must retry, and then it is one turn',
  world: PLAIN,
  quick: 2,
  long: 30,
  run: duplicates,
};
