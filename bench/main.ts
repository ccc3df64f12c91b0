import { writeFileSync } from 'node:fs';
import { endLeftOvers } from '../testkit/process/left-overs.ts';
import type { Bench, SectionResult } from './bench.ts';
import { buildServer } from './build.ts';
import { outcomesOf } from './goals.ts';
import { type BenchOptions, HELP, readOptions, type SectionName, UsageError } from './options.ts';
import { startModel } from './program.ts';
import { barsAsText } from './report/bars-text.ts';
import { machineLine } from './report/machine.ts';
import { type BenchRun, figuresAsJson, keepFigures, publishFigures } from './report/results.ts';
import { asText } from './report/tables.ts';
import { targetsTable } from './report/targets.ts';
import { firstToken } from './sections/first-token.ts';
import { handOff } from './sections/hand-off.ts';
import { history } from './sections/history.ts';
import { latency } from './sections/latency.ts';
import { logCost } from './sections/log-cost.ts';
import { memory } from './sections/memory.ts';
import { paced } from './sections/paced.ts';
import { peers } from './sections/peers.ts';
import { redisCost } from './sections/redis-cost.ts';
import { replicas } from './sections/replicas.ts';
import { sessions } from './sections/sessions.ts';
import { takeover } from './sections/takeover.ts';
import { throughput } from './sections/throughput.ts';
import { viewers } from './sections/viewers.ts';

const SECTIONS: Readonly<Record<SectionName, (bench: Bench) => Promise<SectionResult>>> = {
  json: (bench) => throughput(bench, 'json'),
  sse: (bench) => throughput(bench, 'sse'),
  latency,
  paced,
  'first-token': firstToken,
  viewers,
  memory,
  redis: redisCost,
  log: logCost,
  'hand-off': handOff,
  takeover,
  history,
  sessions,
  replicas,
  peers,
};

async function run(options: BenchOptions): Promise<void> {
  const machine = machineLine();
  console.log(machine);
  const beganAt = performance.now();
  const tell = (line: string) => console.error(`  ${clock(performance.now() - beganAt)} ${line}`);
  tell(options.entry === null ? 'building the server' : `measuring ${options.entry}`);
  const entry = options.entry ?? buildServer();
  const model = await startModel(options.deltas ?? 10);
  const bench: Bench = { options, model, entry, tell };
  const results = new Map<SectionName, SectionResult>();
  for (const [index, name] of options.sections.entries()) {
    tell(`section ${name}, ${index + 1} of ${options.sections.length}`);
    try {
      const result = await SECTIONS[name](bench);
      results.set(name, result);
      for (const table of result.tables) console.log(`\n${asText(table)}`);
      if (result.bars.length > 0) console.log(`\n${barsAsText(result.bars)}`);
    } catch (error) {
      // The results of the other sections are still useful.
      console.error(`section ${name} failed:`, error);
      process.exitCode = 1;
    }
  }
  await model.stop();
  const outcomes = outcomesOf(Object.assign({}, ...[...results.values()].map(({ reached }) => reached)));
  if (outcomes.length > 0) console.log(`\n${asText(targetsTable(outcomes))}`);
  const done: BenchRun = { machine, options, results, outcomes, tookMs: performance.now() - beganAt };
  const isComplete = options.isWhole && results.size === options.sections.length;
  console.log(`\nWritten: ${(isComplete ? publishFigures(done) : [keepFigures(done)]).join(', ')}`);
  if (options.jsonFile !== null) writeFileSync(options.jsonFile, figuresAsJson(done));
}

/** Minutes and seconds since the beginning. */
function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void endLeftOvers().finally(() => process.exit(1)));
}
try {
  const options = readOptions(process.argv.slice(2));
  if (options === null) console.log(HELP);
  else await run(options);
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n\n${HELP}`);
  else console.error(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
} finally {
  await endLeftOvers();
}
