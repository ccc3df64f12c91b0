import { randomUUID } from 'node:crypto';
import { waitFor } from '../../testkit/wait-for.ts';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import type { Caller } from '../exchange.ts';
import { HOLD } from '../programs/model-plan.ts';
import { type BenchReplica, startBenchRedis, startBenchReplica } from '../stack.ts';
import { quantile, shown } from '../statistics.ts';

/** Turns that wait at once, and the number of repetitions in a full and in a quick run. */
const PLANS = [
  { waiting: 1, times: 40, timesQuick: 8 },
  { waiting: 16, times: 8, timesQuick: 2 },
  { waiting: 100, times: 3, timesQuick: 1 },
];

/** What the reader of a turn has seen so far. */
interface Seen {
  isAdmitted: boolean;
  isStarted: boolean;
  isDone: boolean;
}

interface HandOffs {
  readonly waiting: number;
  /** From the end of one answer to the next model call, in ms. */
  readonly gapsMs: readonly number[];
}

/** How soon a waiting turn starts after the previous one has ended. */
export async function handOff(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const redis = await startBenchRedis();
    atEnd(redis.stop);
    const replicas: BenchReplica[] = [];
    for (let count = 0; count < 2; count += 1) {
      const replica = await startBenchReplica({
        entry: bench.entry,
        redisUrl: redis.server.url,
        modelUrl: bench.model.baseUrl,
        profileFolder: null,
        env: { QUEUE_MAX: '200' },
      });
      atEnd(replica.stop);
      replicas.push(replica);
    }
    const callers = replicas.map((replica) => replica.caller);
    for (let count = 0; count < 3; count += 1) await queueUp(bench, callers, 16);
    const found: HandOffs[] = [];
    for (const plan of PLANS) {
      const times = bench.options.isQuick ? plan.timesQuick : plan.times;
      bench.tell(`hand-off, ${plan.waiting} waiting, ${times} times`);
      const all: HandOffs[] = [];
      for (let count = 0; count < times; count += 1) all.push(await queueUp(bench, callers, plan.waiting));
      found.push({
        waiting: plan.waiting,
        gapsMs: all.flatMap((one) => one.gapsMs),
      });
    }
    return resultOf(found);
  });
}

/** One held turn with others waiting behind it, alternately on two replicas; then it is released. */
async function queueUp(bench: Bench, callers: readonly Caller[], waiting: number): Promise<HandOffs> {
  const conversationId = randomUUID();
  const seen: Seen[] = [];
  const send = (index: number, message: string): Promise<string> => {
    const caller = callers[index % callers.length];
    if (caller === undefined) throw new Error('no replica');
    const one: Seen = { isAdmitted: false, isStarted: false, isDone: false };
    seen.push(one);
    const body = JSON.stringify({ message, conversation_id: conversationId });
    return caller.call('POST', '/api/chat/stream', body, (text) => {
      one.isAdmitted = true;
      one.isStarted ||= text.includes('event: started\n');
      one.isDone ||= text.includes('event: done\n');
    });
  };
  const held = send(0, `${HOLD} wait`);
  await waitFor(() => seen.every((one) => one.isStarted), { what: 'the held turn to start' });
  await bench.model.calls();
  const others = Array.from({ length: waiting }, (_, index) => send(index + 1, `question ${index}`));
  // The first event of a waiting turn is its place in the queue.
  await waitFor(() => seen.every((one) => one.isAdmitted), {
    what: 'all turns to wait',
    timeoutMs: 20_000,
  });
  await bench.model.release();
  const answers = await Promise.all([held, ...others]);
  const failed = answers.find((_, index) => seen[index]?.isDone !== true);
  if (failed !== undefined) throw new Error(`a queued turn was not answered: ${failed}`);
  const calls = (await bench.model.calls()).toSorted((a, b) => a.beganAt - b.beganAt);
  return {
    waiting,
    gapsMs: calls.slice(1).map((next, index) => next.beganAt - (calls[index]?.endedAt ?? Number.NaN)),
  };
}

function resultOf(found: readonly HandOffs[]): SectionResult {
  const figures = found.map(({ waiting, gapsMs }) => ({
    waiting,
    count: gapsMs.length,
    p50Ms: quantile(gapsMs, 0.5),
    p95Ms: quantile(gapsMs, 0.95),
    p99Ms: quantile(gapsMs, 0.99),
  }));
  return {
    tables: [
      {
        title: 'Hand-off: from the end of one answer to the next model call in its session, 2 replicas',
        head: ['', 'hand-offs', 'p50 ms', 'p95 ms'],
        rows: figures.map(({ waiting, count, p50Ms, p95Ms }) => [
          `${waiting} waiting`,
          String(count),
          shown(p50Ms),
          shown(p95Ms),
        ]),
        note: 'By the clock of the model. Includes the commit of one turn, and wake-up, grant, lock and prompt of the next.',
      },
    ],
    bars: [],
    data: figures,
  };
}
