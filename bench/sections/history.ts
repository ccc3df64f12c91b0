import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { cpuSeconds } from '../program.ts';
import { seedSessions } from '../seed.ts';
import { type BenchRedis, type BenchReplica, startBenchRedis, startBenchReplica } from '../stack.ts';
import { median, quantile, shown } from '../statistics.ts';
import { takeTurn } from '../turn.ts';
import { warmUp } from '../warm-up.ts';

const SIZES = [0, 100, 1000, 10_000];

/** The default, where the prompt grows with the history; and a small one, where it soon stops growing. */
const CONTEXTS = [32_000, 2000];

/** Turns after the first in each session. */
const MORE_TURNS = 10;

interface Found {
  readonly size: number;
  /** The first turn on a replica that has not seen the session. */
  readonly firstMs: number[];
  readonly laterMs: number[];
  readonly cpuUs: number[];
  prompt: { readonly messages: number; readonly bytes: number };
}

/** The cost of a turn in a session with a history. */
export async function history(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const redis = await startBenchRedis();
    atEnd(redis.stop);
    const found = new Map<number, readonly Found[]>();
    for (const context of CONTEXTS) {
      const replica = await startBenchReplica({
        entry: bench.entry,
        redisUrl: redis.server.url,
        modelUrl: bench.model.baseUrl,
        profileFolder: null,
        env: { CONTEXT_TOKENS: String(context) },
      });
      atEnd(replica.stop);
      found.set(context, await measureSizes(bench, redis, replica, context));
    }
    return resultOf(found);
  });
}

async function measureSizes(
  bench: Bench,
  redis: BenchRedis,
  replica: BenchReplica,
  context: number,
): Promise<readonly Found[]> {
  const times = bench.options.isQuick ? 3 : 12;
  const found: readonly Found[] = SIZES.map((size) => ({
    size,
    firstMs: [],
    laterMs: [],
    cpuUs: [],
    prompt: { messages: 0, bytes: 0 },
  }));
  await warmUp(replica, bench.options.isQuick ? 100 : 1000);
  for (let time = 0; time < times; time += 1) {
    bench.tell(`history, context of ${context} tokens, ${time + 1} of ${times}`);
    for (const one of found)
      await measureSession(bench, redis, replica, one, `h-${context}-${one.size}-${time}`);
  }
  return found;
}

async function measureSession(
  bench: Bench,
  redis: BenchRedis,
  replica: BenchReplica,
  found: Found,
  conversationId: string,
): Promise<void> {
  if (found.size > 0) await seedSessions(redis.client, [conversationId], found.size);
  const turn = (count: number) => takeTurn(replica.caller, 'json', conversationId, `question ${count}`);
  found.firstMs.push((await turn(0)).ms);
  const before = await cpuSeconds(replica.caller);
  for (let count = 1; count <= MORE_TURNS; count += 1) found.laterMs.push((await turn(count)).ms);
  found.cpuUs.push((((await cpuSeconds(replica.caller)) - before) * 1e6) / MORE_TURNS);
  found.prompt = await bench.model.lastPrompt();
  // Otherwise Redis would hold the sessions of all rounds together, some hundred MB.
  await replica.caller.call('DELETE', `/api/sessions/${conversationId}`, null);
}

function resultOf(found: ReadonlyMap<number, readonly Found[]>): SectionResult {
  return {
    tables: [...found].map(([context, sizes]) => {
      const base = median(sizes[0]?.laterMs ?? []);
      return {
        title: `History: one client, context of ${context.toLocaleString('en-US')} tokens`,
        head: [
          'messages before',
          'p50 ms',
          '× without history',
          'p95 ms',
          'CPU µs/turn',
          'first turn on a replica, p50 ms',
          'messages in the prompt',
        ],
        rows: sizes.map(({ size, laterMs, firstMs, cpuUs, prompt }) => [
          size.toLocaleString('en-US'),
          shown(median(laterMs)),
          shown(median(laterMs) / base),
          shown(quantile(laterMs, 0.95)),
          shown(median(cpuUs)),
          shown(median(firstMs)),
          String(prompt.messages),
        ]),
      };
    }),
    bars: [],
    data: Object.fromEntries(
      [...found].map(([context, sizes]) => [
        `context ${context}`,
        sizes.map(({ size, laterMs, firstMs, cpuUs, prompt }) => ({
          size,
          ms: { p50: median(laterMs), p95: quantile(laterMs, 0.95) },
          firstMs: { p50: median(firstMs) },
          cpuUsPerTurn: median(cpuUs),
          prompt,
        })),
      ]),
    ),
  };
}
