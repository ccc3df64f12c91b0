import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { TURNS_A_SESSION } from '../drive.ts';
import { beside, inTurn, type Measured, warmUp } from '../rounds.ts';
import { quantile, shown, shownSpread } from '../statistics.ts';
import { BARE_PROXY, SERVER, startTargets, type Target } from '../target.ts';
import type { TurnKind } from '../turn.ts';

/** A few percent of what one client could do, so that nothing waits for the turn before it. */
const TURNS_A_SECOND = 100;

const KINDS: readonly TurnKind[] = ['json', 'sse'];

/** A timer fires up to this much late; the rest of the way to a planned time is spent looking at the clock. */
const TIMER_MS = 1.2;

/** One client that keeps to a timetable: what a turn takes longer than through the bare proxy. */
export async function latency(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const targets = await startTargets(bench, atEnd);
    const found: (readonly [TurnKind, readonly Measured<readonly number[]>[]])[] = [];
    const seconds = bench.options.isQuick ? 1 : 3;
    for (const kind of KINDS) {
      await warmUp(bench, targets, kind, 16);
      const plan = { what: `latency, ${kind}`, rounds: bench.options.rounds, targets };
      found.push([kind, await inTurn(bench, plan, (target) => onTimetable(target, kind, seconds))]);
    }
    return resultOf(found);
  });
}

/**
 * Turns at a fixed rate, one after another. Each is timed from when it was to begin: a slow one delays those
 * behind it, which then count as slow as well, as their callers would find them.
 */
async function onTimetable(target: Target, kind: TurnKind, seconds: number): Promise<readonly number[]> {
  const everyMs = 1000 / TURNS_A_SECOND;
  const beganAt = performance.now() + everyMs;
  const tookMs: number[] = [];
  let conversationId = '';
  for (let count = 0; count < seconds * TURNS_A_SECOND; count += 1) {
    if (count % TURNS_A_SESSION === 0) conversationId = randomUUID();
    const plannedAt = beganAt + count * everyMs;
    const waitMs = plannedAt - performance.now() - TIMER_MS;
    if (waitMs > 0) await sleep(waitMs);
    while (performance.now() < plannedAt);
    await target.turn(kind, conversationId, `question ${count}`);
    tookMs.push(performance.now() - plannedAt);
  }
  return tookMs;
}

function resultOf(
  found: readonly (readonly [TurnKind, readonly Measured<readonly number[]>[]])[],
): SectionResult {
  const added = (share: number) => (own: readonly number[], other: readonly number[]) =>
    quantile(own, share) - quantile(other, share);
  const json = found.find(([kind]) => kind === 'json')?.[1] ?? [];
  return {
    tables: [
      {
        title: `Latency: one client, ${TURNS_A_SECOND} turns/s`,
        head: ['', 'p50 ms', 'p99 ms', 'added over the bare proxy: p50 ms', 'added: p99 ms'],
        rows: found.flatMap(([kind, measured]) =>
          measured.map(({ name, rounds }) => [
            `${name}, ${kind}`,
            ...[0.5, 0.99].map((share) => shown(quantile(rounds.flat(), share))),
            ...[0.5, 0.99].map((share) =>
              name === BARE_PROXY ? '' : shownSpread(beside(measured, name, BARE_PROXY, added(share))),
            ),
          ]),
        ),
        note: 'From the planned beginning of a turn to the end of its answer. Added: each round by itself, least – median – most.',
      },
    ],
    bars: [],
    data: found.map(([kind, measured]) => ({
      kind,
      targets: measured.map(({ name, rounds }) => ({
        name,
        p50Ms: rounds.map((ms) => quantile(ms, 0.5)),
        p99Ms: rounds.map((ms) => quantile(ms, 0.99)),
      })),
    })),
    reached: {
      'latency.p50': beside(json, SERVER, BARE_PROXY, added(0.5)),
      'latency.p99': beside(json, SERVER, BARE_PROXY, added(0.99)),
    },
  };
}
