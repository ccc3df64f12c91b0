import { Redis } from 'ioredis';
import { startRelay } from '../../testkit/http/relay.ts';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { TURNS_A_SESSION } from '../drive.ts';
import type { Caller } from '../exchange.ts';
import { startBenchRedis, startBenchReplica } from '../stack.ts';
import { median, once, shown } from '../statistics.ts';
import { type TurnKind, type TurnTimes, takeTurn } from '../turn.ts';
import { countCommands, type WireCommands } from '../wire-commands.ts';

const KINDS: readonly TurnKind[] = ['json', 'sse'];

/** Much longer than everything else, so that time outside Redis is negligible. */
const DELAY_MS = 20;

/** Commands rarer than this per turn are periodic work, such as the search for turns of dead replicas. */
const RARE = 0.06;

interface Waits {
  readonly whole: number;
  readonly untilFirst: number;
}

/** Which commands a turn sends to Redis, and how many round trips it waits for. */
export async function redisCost(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const redis = await startBenchRedis();
    atEnd(redis.stop);
    const relay = await startRelay();
    relay.to(redis.server);
    atEnd(relay.close);
    const replica = await startBenchReplica({
      entry: bench.entry,
      redisUrl: `redis://127.0.0.1:${relay.port}`,
      modelUrl: bench.model.baseUrl,
      env: { WORKER: 'off' },
    });
    atEnd(replica.stop);
    const turns = bench.options.isQuick ? 20 : 100;
    await turnsOf(replica.caller, 'sse', turns, 'warm');

    const counts = new Map<TurnKind, WireCommands>();
    for (const kind of KINDS) {
      bench.tell(`redis, counting the commands of ${turns} ${kind} turns`);
      counts.set(
        kind,
        await countCommands(redis.client, async () => {
          await turnsOf(replica.caller, kind, turns, `count-${kind}`);
        }),
      );
    }
    bench.tell(`redis, with every reply delayed by ${DELAY_MS} ms`);
    const waits = await countWaits(relay, replica.caller, turns);
    return resultOf(turns, counts, waits);
  });
}

async function turnsOf(caller: Caller, kind: TurnKind, turns: number, name: string): Promise<TurnTimes[]> {
  const times: TurnTimes[] = [];
  for (let count = 0; count < turns; count += 1) {
    const conversation = `${name}-${Math.floor(count / TURNS_A_SESSION)}`;
    times.push(await takeTurn(caller, kind, conversation, `question ${count}`));
  }
  return times;
}

/** How much longer a turn takes when Redis is slow, divided by the delay of a PING: the round trips waited for. */
async function countWaits(
  relay: { readonly port: number; delay(ms: number): void },
  caller: Caller,
  turns: number,
): Promise<ReadonlyMap<TurnKind, Waits>> {
  const own = new Redis({ host: '127.0.0.1', port: relay.port });
  const look = async (delayMs: number) => {
    relay.delay(delayMs);
    const pings: number[] = [];
    for (let count = 0; count < 20; count += 1) {
      const beganAt = performance.now();
      await own.ping();
      pings.push(performance.now() - beganAt);
    }
    const some = Math.min(turns, 30);
    const json = await turnsOf(caller, 'json', some, `late-${delayMs}-json`);
    const sse = await turnsOf(caller, 'sse', some, `late-${delayMs}-sse`);
    relay.delay(0);
    return { ping: median(pings), json, sse };
  };
  try {
    const [soon, late] = [await look(0), await look(DELAY_MS)];
    const slower = (kind: TurnKind, part: 'ms' | 'firstMs') =>
      (median(late[kind].map((turn) => turn[part])) - median(soon[kind].map((turn) => turn[part]))) /
      (late.ping - soon.ping);
    return new Map(
      KINDS.map((kind) => [kind, { whole: slower(kind, 'ms'), untilFirst: slower(kind, 'firstMs') }]),
    );
  } finally {
    own.disconnect();
  }
}

function resultOf(
  turns: number,
  counts: ReadonlyMap<TurnKind, WireCommands>,
  waits: ReadonlyMap<TurnKind, Waits>,
): SectionResult {
  const perTurn = (kind: TurnKind, name: string) => (counts.get(kind)?.byName.get(name) ?? 0) / turns;
  const names = [...new Set(KINDS.flatMap((kind) => [...(counts.get(kind)?.byName.keys() ?? [])]))]
    .filter((name) => KINDS.some((kind) => perTurn(kind, name) >= RARE))
    .sort();
  const cells = (value: (kind: TurnKind) => number) => KINDS.map((kind) => shown(value(kind)));
  const sent = (kind: TurnKind) => names.reduce((sum, name) => sum + perTurn(kind, name), 0);
  return {
    tables: [
      {
        title: 'Redis: cost of one turn, alone in its session',
        head: ['', 'JSON', 'SSE'],
        rows: [
          ['round trips waited for', ...cells((kind) => waits.get(kind)?.whole ?? Number.NaN)],
          ['… until the first token', '–', shown(waits.get('sse')?.untilFirst ?? Number.NaN)],
          ['commands sent', ...cells(sent)],
          ...names.map((name) => [`… ${name}`, ...cells((kind) => perTurn(kind, name))]),
          ['commands run by scripts', ...cells((kind) => (counts.get(kind)?.inScripts ?? 0) / turns)],
        ],
        note: `Round trips waited for: how much longer a turn takes when every Redis reply is delayed by ${DELAY_MS} ms, relative to a PING. Commands: MONITOR.`,
      },
    ],
    bars: [],
    data: {
      waits: Object.fromEntries(waits),
      commandsPerTurn: Object.fromEntries(
        KINDS.map((kind) => [kind, Object.fromEntries(names.map((name) => [name, perTurn(kind, name)]))]),
      ),
    },
    reached: {
      'redis.inside': once(Math.max(...KINDS.map((kind) => (counts.get(kind)?.inScripts ?? 0) / turns))),
      // Whole by nature: what is over is the relay's own time.
      'redis.trips': once(Math.round(Math.max(...KINDS.map((kind) => waits.get(kind)?.whole ?? Number.NaN)))),
    },
  };
}
