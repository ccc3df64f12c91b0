import { type Bench, type SectionResult, withStops } from '../bench.ts';
import type { Caller } from '../exchange.ts';
import { cpuSeconds, startPassthrough } from '../program.ts';
import { seedSessions } from '../seed.ts';
import { type BenchRedis, type BenchReplica, startBenchRedis, startBenchReplica } from '../stack.ts';
import { median, quantile, shown, shownSpread, spreadOf } from '../statistics.ts';
import { takePrompt, takeTurn } from '../turn.ts';
import { warmUp } from '../warm-up.ts';

const SIZES = [0, 10, 100, 1000, 10_000];

/** The default, where the prompt grows with the history; and a small one, where it soon stops growing. */
const CONTEXTS = [32_000, 2000];

/** Turns after the first in each session. */
const MORE_TURNS = 10;

/** A session with a history, once through. */
interface Once {
  readonly size: number;
  /** The first turn on a replica that has not seen the session. */
  readonly coldMs: number;
  readonly warmMs: number;
  readonly cpuUs: number;
  /** The passthrough, sent the messages of the last of these turns. */
  readonly passthroughMs: number;
  readonly prompt: { readonly messages: number; readonly bytes: number };
}

interface Found {
  readonly context: number;
  /** Each time, all sizes. */
  readonly times: readonly (readonly Once[])[];
}

interface Parties {
  readonly redis: BenchRedis;
  readonly replica: BenchReplica;
  readonly passthrough: Caller;
}

/** The cost of a turn in a session with a history. */
export async function history(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const redis = await startBenchRedis();
    atEnd(redis.stop);
    const program = await startPassthrough(bench.model.baseUrl);
    atEnd(program.stop);
    const found: Found[] = [];
    for (const context of CONTEXTS) {
      const replica = await startBenchReplica({
        entry: bench.entry,
        redisUrl: redis.server.url,
        modelUrl: bench.model.baseUrl,
        env: { CONTEXT_TOKENS: String(context) },
      });
      atEnd(replica.stop);
      const parties = { redis, replica, passthrough: program.caller };
      found.push({ context, times: await measureSizes(bench, parties, context) });
    }
    return resultOf(found);
  });
}

async function measureSizes(
  bench: Bench,
  parties: Parties,
  context: number,
): Promise<readonly (readonly Once[])[]> {
  const times = bench.options.isQuick ? 3 : 15;
  await warmUp(parties.replica, bench.options.isQuick ? 100 : 1000);
  // Its code has to be compiled too; it keeps nothing of these.
  for (let count = 0; count < (bench.options.isQuick ? 100 : 1000); count += 1)
    await takeTurn(parties.passthrough, 'json', 'none', `question ${count}`);
  const found: (readonly Once[])[] = [];
  for (let time = 0; time < times; time += 1) {
    bench.tell(`history, context of ${context} tokens, ${time + 1} of ${times}`);
    const sizes: Once[] = [];
    for (const size of time % 2 === 0 ? SIZES : SIZES.toReversed())
      sizes.push(await measureSession(bench, parties, size, `h-${context}-${size}-${time}`));
    found.push(sizes);
  }
  return found;
}

async function measureSession(
  bench: Bench,
  { redis, replica, passthrough }: Parties,
  size: number,
  conversationId: string,
): Promise<Once> {
  if (size > 0) await seedSessions(redis.client, [conversationId], size);
  const turn = (count: number) => takeTurn(replica.caller, 'json', conversationId, `question ${count}`);
  const coldMs = (await turn(0)).ms;
  const before = await cpuSeconds(replica.caller);
  const warmMs: number[] = [];
  for (let count = 1; count <= MORE_TURNS; count += 1) warmMs.push((await turn(count)).ms);
  const cpuUs = (((await cpuSeconds(replica.caller)) - before) * 1e6) / MORE_TURNS;
  const prompt = await bench.model.lastPrompt();
  const { messages } = JSON.parse(await bench.model.lastBody()) as { messages: unknown[] };
  const passthroughMs: number[] = [];
  for (let count = 0; count < MORE_TURNS; count += 1)
    passthroughMs.push((await takePrompt(passthrough, messages)).ms);
  // Otherwise Redis would hold the sessions of all rounds together, some hundred MB.
  await replica.caller.call('DELETE', `/api/sessions/${conversationId}`, null);
  return { size, coldMs, warmMs: median(warmMs), cpuUs, passthroughMs: median(passthroughMs), prompt };
}

/** How many times as long a turn on 10,000 messages takes, what the passthrough needs more for the request apart. */
function grown(times: readonly (readonly Once[])[], figure: (one: Once) => number, isNet: boolean) {
  return spreadOf(
    times.flatMap((sizes) => {
      const [small, large] = [10, 10_000].map((size) => sizes.find((one) => one.size === size));
      if (small === undefined || large === undefined) return [];
      const apart = isNet ? large.passthroughMs - small.passthroughMs : 0;
      return [(figure(large) - apart) / figure(small)];
    }),
  );
}

const WAYS = [
  { says: 'warm', figure: (one: Once) => one.warmMs },
  { says: 'cold', figure: (one: Once) => one.coldMs },
];

function resultOf(found: readonly Found[]): SectionResult {
  const timesOf = (context: number) => found.find((one) => one.context === context)?.times ?? [];
  return {
    tables: [
      ...found.map(({ context, times }) => ({
        title: `History: one client, context of ${context.toLocaleString('en-US')} tokens`,
        head: [
          'messages before',
          ...['p50 ms', '× of 10', 'p95 ms', 'first turn on a replica, p50 ms', 'CPU µs/turn'],
          ...['passthrough, same messages, p50 ms', 'messages in the prompt'],
        ],
        rows: SIZES.map((size) => {
          const own = times.flat().filter((one) => one.size === size);
          const ms = (figure: (one: Once) => number) => shown(median(own.map(figure)));
          const base = median(
            times
              .flat()
              .filter((one) => one.size === 10)
              .map((one) => one.warmMs),
          );
          return [
            size.toLocaleString('en-US'),
            ms((one) => one.warmMs),
            ms((one) => one.warmMs / base),
            shown(
              quantile(
                own.map((one) => one.warmMs),
                0.95,
              ),
            ),
            ...[ms((one) => one.coldMs), ms((one) => one.cpuUs), ms((one) => one.passthroughMs)],
            String(own.at(-1)?.prompt.messages ?? 0),
          ];
        }),
      })),
      {
        title:
          'History: a turn on 10,000 messages over one on 10, each round by itself, least – median – most',
        head: ['', 'in all', 'less what the passthrough needs more'],
        rows: found.flatMap(({ context, times }) =>
          WAYS.map(({ says, figure }) => [
            `context of ${context.toLocaleString('en-US')}, ${says}`,
            ...[false, true].map((isNet) => shownSpread(grown(times, figure, isNet))),
          ]),
        ),
        note: 'Cold: the first turn on a replica. The passthrough gets the messages that the server sent to the model, from its caller, and passes them on.',
      },
    ],
    bars: [],
    data: found,
    reached: {
      'history.small': grown(timesOf(2000), (one) => one.warmMs, false),
      'history.warm': grown(timesOf(32_000), (one) => one.warmMs, true),
      'history.cold': grown(timesOf(32_000), (one) => one.coldMs, true),
    },
  };
}
