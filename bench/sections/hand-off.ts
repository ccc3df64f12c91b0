import { randomUUID } from 'node:crypto';
import { waitFor } from '../../testkit/wait-for.ts';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import type { Caller } from '../exchange.ts';
import { HOLD } from '../programs/model-plan.ts';
import { type BenchReplica, startBenchRedis, startBenchReplica } from '../stack.ts';
import { once, quantile, shown, spreadOf } from '../statistics.ts';

/** Turns that wait at once, and the number of repetitions in a full and in a quick run. */
const PLANS = [
  { waiting: 1, times: 40, timesQuick: 8 },
  { waiting: 16, times: 8, timesQuick: 2 },
  { waiting: 100, times: 5, timesQuick: 1 },
];

/** What the reader of a turn has seen so far. */
interface Seen {
  readonly message: string;
  /** Turns ahead when it was admitted. */
  place: number | null;
  isStarted: boolean;
  isDone: boolean;
}

interface HandOffs {
  /** From the end of one answer to the next model call, in ms. */
  readonly gapsMs: readonly number[];
  /** Turns whose call did not come in the place that they were told. */
  readonly disordered: number;
}

interface Found {
  readonly waiting: number;
  readonly times: readonly HandOffs[];
}

/** How soon a waiting turn starts after the previous one has ended, and whether it is the right one. */
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
        env: { QUEUE_MAX: '200' },
      });
      atEnd(replica.stop);
      replicas.push(replica);
    }
    const callers = replicas.map((replica) => replica.caller);
    for (let count = 0; count < 3; count += 1) await queueUp(bench, callers, 16);
    const found: Found[] = [];
    for (const plan of PLANS) {
      const times = bench.options.isQuick ? plan.timesQuick : plan.times;
      bench.tell(`hand-off, ${plan.waiting} waiting, ${times} times`);
      const all: HandOffs[] = [];
      for (let count = 0; count < times; count += 1) all.push(await queueUp(bench, callers, plan.waiting));
      found.push({ waiting: plan.waiting, times: all });
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
    const one: Seen = { message, place: null, isStarted: false, isDone: false };
    seen.push(one);
    const body = JSON.stringify({ message, conversation_id: conversationId });
    return caller.call('POST', '/api/chat/stream', body, (text) => {
      // The first event of a waiting turn is its place in the queue.
      one.place ??= placeIn(text);
      one.isStarted ||= text.includes('event: started\n');
      one.isDone ||= text.includes('event: done\n');
    });
  };
  const held = send(0, `${HOLD} wait`);
  await waitFor(() => seen.every((one) => one.isStarted), { what: 'the held turn to start' });
  await bench.model.calls();
  const others = Array.from({ length: waiting }, (_, index) => send(index + 1, `question ${index}`));
  await waitFor(() => seen.slice(1).every((one) => one.place !== null), {
    what: 'all turns to wait',
    timeoutMs: 20_000,
  });
  await bench.model.release();
  const answers = await Promise.all([held, ...others]);
  const failed = answers.find((_, index) => seen[index]?.isDone !== true);
  if (failed !== undefined) throw new Error(`a queued turn was not answered: ${failed}`);
  const calls = (await bench.model.calls()).toSorted((a, b) => a.beganAt - b.beganAt);
  const expected = seen.toSorted((a, b) => (a.place ?? 0) - (b.place ?? 0));
  return {
    gapsMs: calls.slice(1).map((next, index) => next.beganAt - (calls[index]?.endedAt ?? Number.NaN)),
    disordered: expected.filter(({ message }, index) => calls[index]?.asked !== message).length,
  };
}

function placeIn(text: string): number | null {
  const found = /event: queued\ndata: .*"position":(\d+)/.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

function resultOf(found: readonly Found[]): SectionResult {
  const figures = found.map(({ waiting, times }) => {
    const gapsMs = times.flatMap((one) => one.gapsMs);
    return {
      waiting,
      count: gapsMs.length,
      p50Ms: quantile(gapsMs, 0.5),
      p95Ms: quantile(gapsMs, 0.95),
      p99Ms: quantile(gapsMs, 0.99),
      disordered: times.reduce((sum, one) => sum + one.disordered, 0),
    };
  });
  const longest = found.find(({ waiting }) => waiting === 100)?.times ?? [];
  return {
    tables: [
      {
        title: 'Hand-off: from the end of one answer to the next model call in its session, 2 replicas',
        head: ['', 'hand-offs', 'p50 ms', 'p95 ms', 'p99 ms', 'out of order'],
        rows: figures.map(({ waiting, count, p50Ms, p95Ms, p99Ms, disordered }) => [
          `${waiting} waiting`,
          String(count),
          ...[p50Ms, p95Ms, p99Ms].map(shown),
          String(disordered),
        ]),
        note: 'By the clock of the model. Includes the commit of one turn, and wake-up, grant, lock and prompt of the next. In order: the model was asked in the order of the places that the turns were told.',
      },
    ],
    bars: [],
    data: figures,
    reached: {
      'hand-off.p50': spreadOf(longest.map(({ gapsMs }) => quantile(gapsMs, 0.5))),
      'hand-off.p99': spreadOf(longest.map(({ gapsMs }) => quantile(gapsMs, 0.99))),
      'hand-off.disorder': once(longest.reduce((sum, one) => sum + one.disordered, 0)),
    },
  };
}
