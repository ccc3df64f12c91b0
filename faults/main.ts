import './own-seed.ts';
import { parseArgs } from 'node:util';
import { endLeftOvers } from '../testkit/process/left-overs.ts';
import { LEFT_OUT, ROWS } from './catalogue.ts';
import { runGuards } from './guards/run-guards.ts';
import { runRows } from './run-rows.ts';

const HELP = `Fault injection: kills, pauses, cuts off and starves the server; checks every trial against I1 to I10.

  npm run faults                    the long run: hours; writes docs/evidence/faults.md
  npm run faults -- --quick         at least one trial of every quick row
  npm run faults -- --guards        removes each guard from a copy of the product, to see the checks fail

  --row R1         only this row; may be repeated
  --seed N         first seed; trial k of a row has seed N + k, so --row R1 --seed N --trials 1 replays one
  --trials N       trials of each row
  --lanes N        worlds side by side (default 2)
  --resume         continues a long run that was stopped
  --help           this

Rows:
${ROWS.map((row) => `  ${row.id.padEnd(5)} ${row.fault}`).join('\n')}
Left out: ${LEFT_OUT.map(({ id, why }) => `${id} (${why})`).join('; ')}
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      guards: { type: 'boolean', default: false },
      row: { type: 'string', multiple: true },
      seed: { type: 'string' },
      trials: { type: 'string' },
      lanes: { type: 'string', default: '2' },
      resume: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const options = {
    isQuick: values.quick,
    rows: values.row ?? [],
    seed: wholeNumber('seed', values.seed),
    trials: wholeNumber('trials', values.trials),
    lanes: wholeNumber('lanes', values.lanes) ?? 2,
    resumes: values.resume,
  };
  return values.guards ? runGuards(options) : runRows(options);
}

function wholeNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,10}$/.test(text)) throw new Error(`--${name} takes a whole number, not ${text}`);
  return Number(text);
}

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
} finally {
  await endLeftOvers();
}
process.exit();
