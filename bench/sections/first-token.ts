import { type Bench, type SectionResult, withStops } from '../bench.ts';
import type { Driven } from '../drive.ts';
import { beside, type Measured, measureCells, warmUp } from '../rounds.ts';
import { quantile, shown, shownSpread } from '../statistics.ts';
import { MODEL_ITSELF, modelItself, startTargets } from '../target.ts';

/** Between two pieces: slow enough that no process is busy and nothing queues. */
const BETWEEN_MS = 5;

/** How much later the first piece of an answer arrives than directly from the model. */
export async function firstToken(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const targets = [...(await startTargets(bench, atEnd)), modelItself(bench)];
    // More would make something busy, whatever the pauses.
    const counts = bench.options.clients.filter((clients) => clients <= 16);
    await warmUp(bench, targets, 'sse', Math.max(...counts));
    await bench.model.follow({ betweenMs: BETWEEN_MS });
    const cells = await measureCells(bench, targets, 'sse', counts, Math.min(3, bench.options.rounds));
    await bench.model.follow({});
    return {
      tables: [
        {
          title: 'First token: time added to that of the model',
          head: ['', 'p50 ms', 'p95 ms', 'added at p50, ms, per round: least – median – most'],
          rows: cells.flatMap(({ clients, measured }) =>
            measured.map((one) => [
              `${one.name}, ${clients} at once`,
              ...[0.5, 0.95].map((share) => shown(quantile(firstMsOf(one), share))),
              one.name === MODEL_ITSELF ? '' : shownSpread(beside(measured, one.name, MODEL_ITSELF, addedMs)),
            ]),
          ),
          note: `The model sends the first piece at once and the others ${BETWEEN_MS} ms apart.`,
        },
      ],
      bars: [],
      data: cells.map(({ clients, measured }) => ({
        clients,
        targets: measured.map((one) => ({
          name: one.name,
          p50Ms: one.rounds.map((round) => quantile(round.firstMs, 0.5)),
          p95Ms: one.rounds.map((round) => quantile(round.firstMs, 0.95)),
        })),
      })),
    };
  });
}

function firstMsOf({ rounds }: Measured): number[] {
  return rounds.flatMap((round) => round.firstMs);
}

function addedMs(own: Driven, model: Driven): number {
  return quantile(own.firstMs, 0.5) - quantile(model.firstMs, 0.5);
}
