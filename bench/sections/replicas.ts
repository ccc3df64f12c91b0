import { cpus } from 'node:os';
import { startHaproxy } from '../../testkit/http/haproxy.ts';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { Caller } from '../exchange.ts';
import { cpuSeconds } from '../program.ts';
import { type Cell, measureCells, warmUp } from '../rounds.ts';
import { startBenchRedis, startBenchReplica } from '../stack.ts';
import { median, shown, shownSpread } from '../statistics.ts';
import type { Target } from '../target.ts';
import { type TurnKind, takeTurn } from '../turn.ts';
import { barsOf, dataOf, numbersOf, rateBeside, THROUGHPUT_HEAD } from './throughput.ts';

const KINDS: readonly TurnKind[] = ['json', 'sse'];
const CLIENTS = 64;
const ONE = 'one behind HAProxy';
const THREE = 'three behind HAProxy';

/** What of a fleet's CPU goes where, cores; the load and the system's own share are in `machine` alone. */
const PARTS = ['own', 'redis', 'model', 'machine'] as const;

/** Three replicas behind HAProxy beside one, all with a Redis of their own fleet. */
export async function replicas(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const fleets = [await startFleet(bench, ONE, 1, atEnd), await startFleet(bench, THREE, 3, atEnd)];
    const cells: (readonly [TurnKind, Cell])[] = [];
    for (const kind of KINDS) {
      await warmUp(bench, fleets, kind, CLIENTS);
      for (const cell of await measureCells(bench, fleets, kind, [CLIENTS])) cells.push([kind, cell]);
    }
    return resultOf(cells);
  });
}

async function startFleet(
  bench: Bench,
  name: string,
  size: number,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<Target> {
  const redis = await startBenchRedis();
  atEnd(redis.stop);
  const callers: Caller[] = [];
  const ports: number[] = [];
  for (let count = 0; count < size; count += 1) {
    const replica = await startBenchReplica({
      entry: bench.entry,
      redisUrl: redis.server.url,
      modelUrl: bench.model.baseUrl,
    });
    atEnd(replica.stop);
    callers.push(replica.caller);
    ports.push(replica.process.port);
  }
  const haproxy = await startHaproxy(ports);
  atEnd(haproxy.stop);
  const caller = new Caller(haproxy.url);
  atEnd(async () => caller.close());
  return {
    name,
    turn: (kind, conversationId, message) => takeTurn(caller, kind, conversationId, message),
    cpu: async () => ({
      own: (await Promise.all(callers.map(cpuSeconds))).reduce((sum, seconds) => sum + seconds, 0),
      redis: await redis.cpuSeconds(),
      model: await cpuSeconds(bench.model.caller),
      machine: machineSeconds(),
    }),
  };
}

/** What all cores have worked so far, whatever for. */
function machineSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1000, 0);
}

function resultOf(cells: readonly (readonly [TurnKind, Cell])[]): SectionResult {
  const rows = cells.flatMap(([kind, { measured }]) => measured.map((one) => ({ kind, one })));
  const ratioOf = (wanted: TurnKind) => {
    const measured = cells.find(([kind]) => kind === wanted)?.[1].measured ?? [];
    return rateBeside(measured, THREE, ONE);
  };
  return {
    tables: [
      {
        title: `Replicas: ${CLIENTS} clients`,
        head: THROUGHPUT_HEAD,
        rows: rows.map(({ kind, one }) => [`${one.name}, ${kind}`, ...numbersOf(one)]),
      },
      {
        title: 'Replicas: what is busy, cores',
        head: ['', 'replicas together', 'Redis', 'model', `machine, of ${cpus().length}`],
        rows: rows.map(({ kind, one }) => [
          `${one.name}, ${kind}`,
          ...PARTS.map((part) =>
            shown(
              median(
                one.rounds.map(
                  (round) => ((round.cpuUsPerTurn[part] ?? Number.NaN) * round.turnsPerSecond) / 1e6,
                ),
              ),
            ),
          ),
        ]),
        note: 'The machine includes HAProxy, the load and whatever else runs. All its cores busy: it, and not the fleet, is the limit.',
      },
      {
        title: 'Replicas: turns/s of three over one, per round',
        head: ['', 'least – median – most'],
        rows: KINDS.map((kind) => [kind, shownSpread(ratioOf(kind))]),
      },
    ],
    bars: cells.map(([kind, { measured }]) => barsOf(`${kind}, ${CLIENTS} at once, HAProxy`, measured)),
    data: cells.map(([kind, cell]) => ({ kind, ...dataOf(cell) })),
    reached: { 'replicas.json': ratioOf('json'), 'replicas.sse': ratioOf('sse') },
  };
}
