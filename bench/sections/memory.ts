import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { drive } from '../drive.ts';
import type { Caller } from '../exchange.ts';
import { residentBytes } from '../process-figures.ts';
import { startPassthrough } from '../program.ts';
import { type BenchRedis, startBenchRedis, startBenchReplica } from '../stack.ts';
import { median, once, shown, spreadOf } from '../statistics.ts';
import { takeTurn } from '../turn.ts';

const MB = 1024 * 1024;
const STARTS = 5;

/** After the start, until a replica counts as idle. */
const SETTLE_MS = 3000;

/** Each of those that are loaded, at the same time. */
const CLIENTS = 8;

interface Loaded {
  readonly name: string;
  readonly pid: number;
  readonly caller: Caller;
  readonly redis: BenchRedis | null;
}

interface Found {
  readonly name: string;
  readonly turns: number;
  readonly idleBytes: number;
  readonly mostBytes: number;
  readonly afterBytes: number;
  readonly redisBytesPerTurn: number;
}

/** What a replica needs idle, and what it keeps of a minute of load. */
export async function memory(bench: Bench): Promise<SectionResult> {
  const idleBytes = await idle(bench);
  return resultOf(idleBytes, await afterLoad(bench));
}

async function idle(bench: Bench): Promise<readonly number[]> {
  const starts = bench.options.isQuick ? 2 : STARTS;
  bench.tell(`memory, ${starts} starts`);
  return withStops(async (atEnd) => {
    const redis = await startBenchRedis();
    atEnd(redis.stop);
    const found: number[] = [];
    for (let start = 0; start < starts; start += 1) {
      const replica = await startBenchReplica({
        entry: bench.entry,
        redisUrl: redis.server.url,
        modelUrl: bench.model.baseUrl,
      });
      await sleep(SETTLE_MS);
      found.push(residentBytes(replica.process.pid));
      await replica.stop();
    }
    return found;
  });
}

/** All of them are loaded and then rest at the same time: only their own memory is looked at. */
async function afterLoad(bench: Bench): Promise<readonly Found[]> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const all = [
      await replicaWith(bench, 'server, history cache off', { HISTORY_CACHE_BYTES: '0' }, atEnd),
      await replicaWith(bench, 'server', {}, atEnd),
      await passthrough(bench, atEnd),
    ];
    const [loadMs, restMs] = bench.options.isQuick ? [3000, 3000] : [60_000, 120_000];
    await sleep(SETTLE_MS);
    const idleBytes = all.map(({ pid }) => residentBytes(pid));
    const redisBytes = await Promise.all(all.map(async ({ redis }) => redis?.usedBytes() ?? 0));
    bench.tell(`memory, ${loadMs / 1000} s of load`);
    const driven = await Promise.all(all.map((one) => load(one, loadMs)));
    const mostBytes = all.map(({ pid }) => residentBytes(pid));
    const redisAfter = await Promise.all(all.map(async ({ redis }) => redis?.usedBytes() ?? Number.NaN));
    bench.tell(`memory, ${restMs / 1000} s of rest`);
    await sleep(restMs);
    return all.map(({ name, pid }, index) => {
      const turns = driven[index] ?? Number.NaN;
      return {
        name,
        turns,
        idleBytes: idleBytes[index] ?? Number.NaN,
        mostBytes: mostBytes[index] ?? Number.NaN,
        afterBytes: residentBytes(pid),
        redisBytesPerTurn: ((redisAfter[index] ?? Number.NaN) - (redisBytes[index] ?? 0)) / turns,
      };
    });
  });
}

/** @returns turns that were taken */
async function load({ caller }: Loaded, measureMs: number): Promise<number> {
  let count = 0;
  const { turns } = await drive({
    clients: CLIENTS,
    warmUpMs: 0,
    measureMs,
    turn: (id, message) => takeTurn(caller, count++ % 2 === 0 ? 'json' : 'sse', id, message),
    cpu: async () => ({}),
  });
  return turns;
}

async function replicaWith(
  bench: Bench,
  name: string,
  env: Readonly<Record<string, string>>,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<Loaded> {
  const redis = await startBenchRedis();
  atEnd(redis.stop);
  const replica = await startBenchReplica({
    entry: bench.entry,
    redisUrl: redis.server.url,
    modelUrl: bench.model.baseUrl,
    env,
  });
  atEnd(replica.stop);
  return { name, pid: replica.process.pid, caller: replica.caller, redis };
}

async function passthrough(bench: Bench, atEnd: (stop: () => Promise<void>) => void): Promise<Loaded> {
  const program = await startPassthrough(bench.model.baseUrl);
  atEnd(program.stop);
  return { name: 'passthrough', pid: program.pid, caller: program.caller, redis: null };
}

function resultOf(idleBytes: readonly number[], found: readonly Found[]): SectionResult {
  const idleMb = idleBytes.map((bytes) => bytes / MB);
  const uncached = found[0];
  return {
    tables: [
      {
        title: 'Memory: resident, MB',
        head: [
          '',
          'idle',
          'at the end of the load',
          'two minutes later',
          'of idle',
          'turns',
          'Redis, bytes a turn',
        ],
        rows: [
          [`idle replica, ${idleMb.length} starts`, shown(median(idleMb)), '', '', '', '', ''],
          ...found.map((one) => [
            one.name,
            ...[one.idleBytes, one.mostBytes, one.afterBytes].map((bytes) => shown(bytes / MB)),
            shown(one.afterBytes / one.idleBytes),
            one.turns.toLocaleString('en-US'),
            shown(one.redisBytesPerTurn),
          ]),
        ],
        note: `Load: ${CLIENTS} clients each for a minute, JSON and SSE in turn, all programs at once. Redis: what a turn of 10 pieces in a conversation of 10 leaves there until its log expires.`,
      },
    ],
    bars: [],
    data: { idleBytes, found },
    reached: {
      'memory.idle': spreadOf(idleMb),
      ...(uncached === undefined ? {} : { 'memory.after': once(uncached.afterBytes / uncached.idleBytes) }),
    },
  };
}
