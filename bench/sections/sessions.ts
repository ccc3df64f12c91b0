import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { TURNS_A_SESSION } from '../drive.ts';
import { emptyIndexes, seedSessions } from '../seed.ts';
import { type BenchReplica, startBenchRedis, startBenchReplica } from '../stack.ts';
import { quantile, shown } from '../statistics.ts';
import { takeTurn } from '../turn.ts';
import { warmUp } from '../warm-up.ts';

const COUNTS = [10, 1000, 10_000];
const PAGE = 100;

interface Found {
  readonly count: number;
  readonly pageMs: readonly number[];
  readonly healthMs: readonly number[];
  readonly turnMs: readonly number[];
}

/** The cost of a list page, the count and a turn as the number of live sessions grows. */
export async function sessions(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const redis = await startBenchRedis();
    atEnd(redis.stop);
    const replica = await startBenchReplica({
      entry: bench.entry,
      redisUrl: redis.server.url,
      modelUrl: bench.model.baseUrl,
      profileFolder: null,
    });
    atEnd(replica.stop);
    const calls = bench.options.isQuick ? 30 : 200;
    await warmUp(replica, bench.options.isQuick ? 100 : 1000);
    await measure(replica, 0, calls);
    await emptyIndexes(redis.client);
    const found: Found[] = [];
    let seeded = 0;
    for (const count of COUNTS) {
      bench.tell(`sessions, ${count} live`);
      const ids = Array.from({ length: count - seeded }, (_, index) => `seed-${seeded + index}`);
      await seedSessions(redis.client, ids, 2);
      seeded = count;
      found.push(await measure(replica, count, calls));
    }
    return resultOf(found);
  });
}

async function measure(replica: BenchReplica, count: number, calls: number): Promise<Found> {
  const timed = async (path: string) => {
    const beganAt = performance.now();
    await replica.caller.call('GET', path, null);
    return performance.now() - beganAt;
  };
  const [pageMs, healthMs, turnMs]: [number[], number[], number[]] = [[], [], []];
  for (let call = 0; call < calls; call += 1) {
    pageMs.push(await timed(`/api/sessions?limit=${PAGE}`));
    healthMs.push(await timed('/health'));
  }
  const conversations = new Set<string>();
  for (let call = 0; call < calls; call += 1) {
    const conversation = `turn-${count}-${Math.floor(call / TURNS_A_SESSION)}`;
    conversations.add(conversation);
    turnMs.push((await takeTurn(replica.caller, 'json', conversation, `question ${call}`)).ms);
  }
  for (const id of conversations) await replica.caller.call('DELETE', `/api/sessions/${id}`, null);
  return { count, pageMs, healthMs, turnMs };
}

function resultOf(found: readonly Found[]): SectionResult {
  const both = (ms: readonly number[]) => [shown(quantile(ms, 0.5)), shown(quantile(ms, 0.95))];
  return {
    tables: [
      {
        title: 'Live sessions: one client',
        head: [
          'live sessions',
          ...[`list of ${PAGE}, p50 ms`, 'p95 ms', 'health, p50 ms', 'p95 ms', 'turn, p50 ms', 'p95 ms'],
        ],
        rows: found.map(({ count, pageMs, healthMs, turnMs }) => [
          count.toLocaleString('en-US'),
          ...[...both(pageMs), ...both(healthMs), ...both(turnMs)],
        ]),
        note: 'The first row lists only 10.',
      },
    ],
    bars: [],
    data: found.map(({ count, pageMs, healthMs, turnMs }) => ({
      count,
      pageMs: { p50: quantile(pageMs, 0.5), p95: quantile(pageMs, 0.95) },
      healthMs: { p50: quantile(healthMs, 0.5), p95: quantile(healthMs, 0.95) },
      turnMs: { p50: quantile(turnMs, 0.5), p95: quantile(turnMs, 0.95) },
    })),
  };
}
