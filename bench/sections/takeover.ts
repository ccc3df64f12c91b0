import { follow, say, turnIdOf } from '../../testkit/server/deployment.ts';
import { type Replica, startReplica } from '../../testkit/server/replica.ts';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { startBenchRedis } from '../stack.ts';
import { quantile, shown } from '../statistics.ts';

const TIMES = 12;
const TIMES_QUICK = 2;
const LOCK_TTL_MS = 2000;

/** How long a turn pauses when its replica is killed in the middle of its answer. */
export async function takeover(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    const redis = await startBenchRedis();
    atEnd(redis.stop);
    const begin = () =>
      startReplica({
        entry: bench.entry,
        redisUrl: redis.server.url,
        modelUrl: bench.model.baseUrl,
        env: { LOG_LEVEL: 'fatal', LOCK_TTL_MS: String(LOCK_TTL_MS), WORKER: 'off' },
      });
    const survivors = [await begin(), await begin()];
    atEnd(async () => void (await Promise.all(survivors.map((one) => one.kill()))));
    const times = bench.options.isQuick ? TIMES_QUICK : TIMES;
    bench.tell(`takeover, ${times} kills`);
    // Slow enough to be killed in the middle; the second answer may be slow as well.
    await bench.model.follow({ firstMs: 0, betweenMs: 200 });
    const restartedMs: number[] = [];
    for (let count = 0; count < times; count += 1) {
      restartedMs.push(await killOnce(await begin(), survivors[count % 2] ?? (await begin()), count));
    }
    await bench.model.follow({});
    return {
      tables: [
        {
          title: 'Takeover: kill -9 in the middle of an answer',
          head: ['', 'p50 ms', 'p90 ms', 'max ms'],
          rows: [
            [
              `from the kill to \`restarted\` at a reader elsewhere, ${times} times`,
              ...[0.5, 0.9, 1].map((share) => shown(quantile(restartedMs, share))),
            ],
          ],
          note: `LOCK_TTL_MS=${LOCK_TTL_MS}: the rest of the lease, and up to 1.25 s until the next poll of a replica.`,
        },
      ],
      bars: [],
      data: { lockTtlMs: LOCK_TTL_MS, restartedMs },
    };
  });
}

async function killOnce(victim: Replica, survivor: Replica, count: number): Promise<number> {
  const id = `takeover${count}`;
  const own = await say(victim, id, 'go on');
  await own.until('delta');
  const reader = await follow(survivor, id, turnIdOf(own));
  await reader.until('delta');
  const killedAt = performance.now();
  await victim.kill();
  await reader.until('restarted', 30_000);
  const tookMs = performance.now() - killedAt;
  const last = (await reader.all(30_000)).at(-1)?.event;
  if (last !== 'done') throw new Error(`the turn ended with ${last}`);
  return tookMs;
}
