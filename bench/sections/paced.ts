import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { type LiveStream, openStream } from '../live-stream.ts';
import { SHORT } from '../programs/model-plan.ts';
import { beside, inTurn, type Measured, warmUp } from '../rounds.ts';
import { median, quantile, shown, shownSpread } from '../statistics.ts';
import {
  BARE_PROXY,
  MODEL_ITSELF,
  modelItself,
  PASSTHROUGH,
  SERVER,
  type StreamTarget,
  startTargets,
} from '../target.ts';

const STREAMS = 200;
const TOKENS_A_SECOND = 50;
const NEW_TURNS_A_SECOND = 40;

/** Streams begin over this time: people do not speak in step. */
const SPREAD_MS = 1000;

interface Paced {
  readonly tokensPerSecond: number;
  readonly gapsMs: readonly number[];
  /** By process, µs. */
  readonly cpuUsPerToken: Readonly<Record<string, number>>;
  /** Of turns that begin while all streams run. */
  readonly firstMs: readonly number[];
}

/** What a token costs and how evenly it comes while 200 answers are spoken at once. */
export async function paced(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const targets = [...(await startTargets(bench, atEnd)), modelItself(bench)];
    await warmUp(bench, targets, 'sse', 16);
    const windowMs = bench.options.isQuick ? 1000 : 4000;
    const speakMs = SPREAD_MS + 500 + 2 * windowMs + 1500;
    await bench.model.follow({
      betweenMs: 1000 / TOKENS_A_SECOND,
      deltas: Math.ceil((speakMs / 1000) * TOKENS_A_SECOND),
    });
    const plan = { what: `paced, ${STREAMS} streams`, rounds: Math.min(3, bench.options.rounds), targets };
    const measured = await inTurn(bench, plan, (target) => speak(target, windowMs));
    await bench.model.follow({});
    return resultOf(measured);
  });
}

/** Opens the streams, looks at them for one window, begins other turns beside them in the next, and hears them out. */
async function speak(target: StreamTarget, windowMs: number): Promise<Paced> {
  let isCounting = false;
  let tokens = 0;
  const gapsMs: number[] = [];
  const listen = (): LiveStream => {
    const body = target.bodyOf(randomUUID(), 'speak for a while');
    let lastAt = Number.NaN;
    return openStream({ url: target.url, method: 'POST', path: target.path, body }, target.marks, (count) => {
      const now = performance.now();
      if (isCounting) {
        tokens += count;
        gapsMs.push(now - lastAt);
        // Tokens that came together: no time lies between them.
        for (let more = 1; more < count; more += 1) gapsMs.push(0);
      }
      lastAt = now;
    });
  };
  const streams: LiveStream[] = [];
  for (let count = 0; count < STREAMS; count += 1) {
    streams.push(listen());
    await sleep((SPREAD_MS / STREAMS) * 2 * Math.random());
  }
  await Promise.all(streams.map((stream) => stream.head));
  await sleep(500);

  const before = await target.cpu();
  const beganAt = performance.now();
  isCounting = true;
  await sleep(windowMs);
  const after = await target.cpu();
  isCounting = false;
  const tookMs = performance.now() - beganAt;

  const firstMs = await beginTurns(target, windowMs);
  await Promise.all(streams.map((stream) => stream.ended));
  return {
    tokensPerSecond: (tokens / tookMs) * 1000,
    gapsMs,
    cpuUsPerToken: Object.fromEntries(
      Object.entries(after).map(([name, seconds]) => [
        name,
        ((seconds - (before[name] ?? 0)) * 1e6) / tokens,
      ]),
    ),
    firstMs,
  };
}

/** Turns that begin at a fixed rate, each timed from when it was to begin. */
async function beginTurns(target: StreamTarget, windowMs: number): Promise<readonly number[]> {
  const everyMs = 1000 / NEW_TURNS_A_SECOND;
  const beganAt = performance.now();
  const turns: Promise<number>[] = [];
  for (let count = 0; count < windowMs / everyMs; count += 1) {
    const plannedAt = beganAt + count * everyMs;
    await sleep(Math.max(0, plannedAt - performance.now()));
    const turn = target.turn('sse', randomUUID(), `${SHORT} question ${count}`);
    turns.push(turn.then((times) => times.beganAt + times.firstMs - plannedAt));
  }
  return Promise.all(turns);
}

function resultOf(measured: readonly Measured<Paced>[]): SectionResult {
  const cpu = (base: string) => beside(measured, SERVER, base, (own, other) => ownCpu(own) / ownCpu(other));
  const gap = (name: string) =>
    beside(
      measured,
      name,
      BARE_PROXY,
      (own, other) => quantile(own.gapsMs, 0.99) / quantile(other.gapsMs, 0.99),
    );
  const added = (name: string, base: string, share: number) =>
    beside(
      measured,
      name,
      base,
      (own, other) => quantile(own.firstMs, share) - quantile(other.firstMs, share),
    );
  const through = measured.filter(({ name }) => name !== MODEL_ITSELF);
  return {
    tables: [
      {
        title: `Paced: ${STREAMS} streams of ${TOKENS_A_SECOND} tokens/s`,
        head: [
          '',
          'tokens/s',
          'CPU µs/token',
          'Redis CPU µs',
          'gap p50 ms',
          'gap p99 ms',
          'first token p50 ms',
          'p99 ms',
        ],
        rows: measured.map(({ name, rounds }) => [
          name,
          shown(median(rounds.map((round) => round.tokensPerSecond))),
          shown(median(rounds.map(ownCpu))),
          shown(median(rounds.map((round) => round.cpuUsPerToken.redis ?? Number.NaN))),
          ...[0.5, 0.99].map((share) =>
            shown(
              quantile(
                rounds.flatMap((round) => round.gapsMs),
                share,
              ),
            ),
          ),
          ...[0.5, 0.99].map((share) =>
            shown(
              quantile(
                rounds.flatMap((round) => round.firstMs),
                share,
              ),
            ),
          ),
        ]),
        note: `CPU and gaps while nothing begins or ends; then ${NEW_TURNS_A_SECOND} turns begin each second beside the streams, timed to their first token from when they were to begin.`,
      },
      {
        title: 'Paced: each round by itself, least – median – most',
        head: [
          '',
          'CPU a token, of the passthrough',
          'of the bare proxy',
          'gap p99, of the bare proxy',
          'first token, ms added to that of the model: p50',
          'p99',
        ],
        rows: through.map(({ name }) => [
          name,
          ...[PASSTHROUGH, BARE_PROXY].map((base) =>
            shownSpread(beside(measured, name, base, (own, other) => ownCpu(own) / ownCpu(other))),
          ),
          shownSpread(gap(name)),
          ...[0.5, 0.99].map((share) => shownSpread(added(name, MODEL_ITSELF, share))),
        ]),
      },
    ],
    bars: [],
    data: measured.map(({ name, rounds }) => ({
      name,
      rounds: rounds.map(({ gapsMs, firstMs, ...round }) => ({
        ...round,
        gapsMs: { p50: quantile(gapsMs, 0.5), p99: quantile(gapsMs, 0.99), max: quantile(gapsMs, 1) },
        firstMs: { p50: quantile(firstMs, 0.5), p99: quantile(firstMs, 0.99) },
      })),
    })),
    reached: {
      'token.passthrough': cpu(PASSTHROUGH),
      'token.bare': cpu(BARE_PROXY),
      'gap.p99': gap(SERVER),
      'first.p50': added(SERVER, MODEL_ITSELF, 0.5),
      'first.p99': added(SERVER, MODEL_ITSELF, 0.99),
    },
  };
}

function ownCpu(round: Paced): number {
  return round.cpuUsPerToken.own ?? Number.NaN;
}
