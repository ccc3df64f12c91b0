import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HeldMemory, heldMemory, INSPECTABLE, inspectorOf } from '../../testkit/server/heap.ts';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { EVENT_MARKS, type LiveStream, openStream } from '../live-stream.ts';
import { cpuSeconds, type Program, startProgram } from '../program.ts';
import type { OpenReaders, ReadersCount } from '../programs/readers.ts';
import { type BenchReplica, startBenchRedis, startBenchReplica } from '../stack.ts';
import { median, shown, spreadOf } from '../statistics.ts';
import { warmUp } from '../warm-up.ts';

const TURNS = 500;
const VIEWERS = [2000, 10_000];

/** Two tokens a second in each turn, so that 10,000 viewers get 20,000 events: less than what fills a core. */
const BETWEEN_MS = 500;

interface Found {
  readonly viewers: number;
  /** Refused at first, or cut off. */
  readonly failed: number;
  readonly heapKb: number;
  readonly rssKb: number;
  readonly cpuUsPerEvent: number;
  readonly eventsPerSecond: number;
}

/** What one reader more of a running turn costs a replica, over turns that one reader hears each. */
export async function viewers(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const rounds = bench.options.isQuick ? 1 : 3;
    const found: Found[] = [];
    const readers = await startProgram('readers');
    atEnd(readers.stop);
    for (let round = 0; round < rounds; round += 1) {
      bench.tell(`viewers, ${TURNS} turns, round ${round + 1} of ${rounds}`);
      // A new replica each time: what the round before has left would count as memory that is free to use.
      found.push(...(await withStops((atRoundEnd) => oneRound(bench, readers, atRoundEnd))));
    }
    return resultOf(found);
  });
}

/** A replica during one window. */
interface Seen {
  readonly held: HeldMemory;
  readonly cpuPerSecond: number;
  readonly eventsPerSecond: number;
}

interface Look extends Seen {
  readonly viewers: number;
  readonly opened: number;
  readonly failed: number;
}

async function oneRound(
  bench: Bench,
  readers: Program,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<readonly Found[]> {
  const redis = await startBenchRedis();
  atEnd(redis.stop);
  const replica = await startBenchReplica({
    entry: bench.entry,
    redisUrl: redis.server.url,
    modelUrl: bench.model.baseUrl,
    env: INSPECTABLE,
  });
  // Not drained: the turns would be waited for.
  atEnd(() => replica.kill());
  const inspector = inspectorOf(replica.process);
  await warmUp(replica, bench.options.isQuick ? 100 : 1000);
  const windowMs = bench.options.isQuick ? 1500 : 5000;
  // Long enough for all that follows.
  await bench.model.follow({ betweenMs: BETWEEN_MS, deltas: 400 });
  const turns = await beginTurns(replica);
  const tell = async (path: string, body: object = {}): Promise<ReadersCount> =>
    JSON.parse(await readers.caller.call('POST', path, JSON.stringify(body)));
  try {
    await sleep(windowMs);
    const own = await look(replica, inspector, tell, windowMs);
    const looks: Look[] = [];
    let open = 0;
    for (const viewers of VIEWERS) {
      const paths = Array.from({ length: viewers - open }, (_, index) => pathOf(turns, index));
      const request: OpenReaders = { url: replica.url, paths };
      const { open: opened, failed, firstFailure } = await tell('/open', request);
      if (failed > 0) bench.tell(`viewers: ${failed} failed or were refused, the first: ${firstFailure}`);
      open = viewers;
      await sleep(windowMs / 2);
      const all = await look(replica, inspector, tell, windowMs);
      looks.push({ ...all, viewers, opened, failed });
      bench.tell(`viewers, ${viewers}: ${shown(all.eventsPerSecond)} events/s`);
    }
    // Once more without them: the turns themselves cost less the longer their code has run.
    await tell('/close');
    await sleep(windowMs);
    const later = await look(replica, inspector, tell, windowMs);
    const ownCpu = (own.cpuPerSecond + later.cpuPerSecond) / 2;
    return looks.map(({ viewers, failed, opened, held, cpuPerSecond, eventsPerSecond }) => ({
      viewers,
      failed,
      heapKb: (heldBy(held) - heldBy(own.held)) / opened / 1024,
      rssKb: (held.rss - own.held.rss) / opened / 1024,
      cpuUsPerEvent: ((cpuPerSecond - ownCpu) * 1e6) / eventsPerSecond,
      eventsPerSecond,
    }));
  } finally {
    await tell('/close');
    for (const turn of turns) turn.stream.close();
    await bench.model.follow({});
  }
}

interface Running {
  readonly id: string;
  readonly turnId: string;
  readonly stream: LiveStream;
}

/** Turns that go on for minutes, each with the reader that asked for it. */
async function beginTurns(replica: BenchReplica): Promise<readonly Running[]> {
  const turns: Running[] = [];
  for (let count = 0; count < TURNS; count += 1) {
    const id = randomUUID();
    const body = JSON.stringify({ message: 'speak for a while', conversation_id: id });
    const request = { url: replica.url, method: 'POST', path: '/api/chat/stream', body } as const;
    const stream = openStream(request, EVENT_MARKS, () => undefined);
    const turnId = /^x-turn-id: (\S+)/im.exec(await stream.head)?.[1];
    if (turnId === undefined) throw new Error('no X-Turn-ID');
    turns.push({ id, turnId, stream });
  }
  return turns;
}

function pathOf(turns: readonly Running[], index: number): string {
  const turn = turns[index % turns.length];
  return `/api/sessions/${turn?.id}/turns/${turn?.turnId}/stream`;
}

async function look(
  replica: BenchReplica,
  inspector: string,
  tell: (path: string) => Promise<ReadersCount>,
  windowMs: number,
): Promise<Seen> {
  const [before, { events }] = await Promise.all([cpuSeconds(replica.caller), tell('/count')]);
  const beganAt = performance.now();
  await sleep(windowMs);
  const [after, more] = await Promise.all([cpuSeconds(replica.caller), tell('/count')]);
  const seconds = (performance.now() - beganAt) / 1000;
  // Collecting takes CPU: after the window.
  const held = await heldMemory(inspector);
  return {
    held,
    cpuPerSecond: (after - before) / seconds,
    eventsPerSecond: (more.events - events) / seconds,
  };
}

function heldBy({ heapUsed, external }: HeldMemory): number {
  return heapUsed + external;
}

function resultOf(found: readonly Found[]): SectionResult {
  const of = (viewers: number, figure: keyof Found) =>
    found.filter((one) => one.viewers === viewers).map((one) => one[figure]);
  return {
    tables: [
      {
        title: `Viewers: readers of ${TURNS} running turns on one replica`,
        head: ['', 'events/s', 'RSS a viewer KB', 'heap and external KB', 'CPU µs an event', 'failed'],
        rows: VIEWERS.map((viewers) => [
          `${viewers.toLocaleString('en-US')} viewers`,
          ...(['eventsPerSecond', 'rssKb', 'heapKb', 'cpuUsPerEvent', 'failed'] as const).map((figure) =>
            shown(median(of(viewers, figure))),
          ),
        ]),
        note: 'Over the same turns with the readers that asked for them alone. Memory: after a collection. Failed: refused at first, or cut off.',
      },
    ],
    bars: [],
    data: found,
    reached: {
      'viewer.memory.2000': spreadOf(of(2000, 'rssKb')),
      'viewer.memory.10000': spreadOf(of(10_000, 'rssKb')),
      'viewer.cpu.2000': spreadOf(of(2000, 'cpuUsPerEvent')),
      'viewer.cpu.10000': spreadOf(of(10_000, 'cpuUsPerEvent')),
    },
  };
}
