import { writeFileSync } from 'node:fs';
import { endLeftOvers } from '../testkit/process/left-overs.ts';
import type { Bench, SectionResult } from './bench.ts';
import { buildServer } from './build.ts';
import { type BenchOptions, HELP, readOptions, type SectionName, UsageError } from './options.ts';
import { startModel } from './program.ts';
import { barsAsText } from './report/bars-text.ts';
import { machineLine } from './report/machine.ts';
import { writeFigures } from './report/readme.ts';
import { asText } from './report/tables.ts';
import { firstToken } from './sections/first-token.ts';
import { handOff } from './sections/hand-off.ts';
import { history } from './sections/history.ts';
import { logCost } from './sections/log-cost.ts';
import { redisCost } from './sections/redis-cost.ts';
import { sessions } from './sections/sessions.ts';
import { takeover } from './sections/takeover.ts';
import { throughput } from './sections/throughput.ts';

const SECTIONS: Readonly<Record<SectionName, (bench: Bench) => Promise<SectionResult>>> = {
  json: (bench) => throughput(bench, 'json'),
  sse: (bench) => throughput(bench, 'sse'),
  'first-token': firstToken,
  redis: redisCost,
  log: logCost,
  'hand-off': handOff,
  takeover,
  history,
  sessions,
};

async function run(options: BenchOptions): Promise<void> {
  const machine = machineLine();
  console.log(machine);
  const tell = (line: string) => console.error(`  ${line}`);
  tell(options.entry === null ? 'building the server' : `measuring ${options.entry}`);
  const entry = options.entry ?? buildServer();
  const model = await startModel(options.deltas);
  const bench: Bench = { options, model, entry, tell };
  const results = new Map<SectionName, SectionResult>();
  for (const name of options.sections) {
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
  if (options.isWhole && results.size === options.sections.length) {
    writeFigures(machine, [...results.values()]);
    console.log('\nWritten: bench/README.md, bench/figures.svg');
  }
  if (options.jsonFile !== null) {
    const sections = Object.fromEntries([...results].map(([name, { data }]) => [name, data]));
    writeFileSync(options.jsonFile, `${JSON.stringify({ machine, options, sections }, null, 2)}\n`);
  }
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
