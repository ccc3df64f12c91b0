import { parseArgs } from 'node:util';

export const SECTION_NAMES = [
  'json',
  'sse',
  'first-token',
  'redis',
  'log',
  'hand-off',
  'takeover',
  'history',
  'sessions',
] as const;
export type SectionName = (typeof SECTION_NAMES)[number];

export interface BenchOptions {
  readonly sections: readonly SectionName[];
  /** A full-length run: its figures are published. */
  readonly isWhole: boolean;
  readonly isQuick: boolean;
  readonly rounds: number;
  /** Length of one measured window, seconds. */
  readonly seconds: number;
  readonly clients: readonly number[];
  /** Pieces of one scripted answer. */
  readonly deltas: number;
  /** A built server; null: this source is built into a new folder. */
  readonly entry: string | null;
  /** Another built server, measured in the same rounds. */
  readonly otherEntry: string | null;
  readonly jsonFile: string | null;
  /** The folder for CPU profiles of the server. */
  readonly profileFolder: string | null;
}

export const HELP = `npm run bench -- [options]

  --quick            short windows, two rounds: about 40 s, to check that everything works
  --rounds N         rounds in which all targets are measured in turn (5)
  --seconds S        length of one measured window (2)
  --only NAMES       only these sections, separated by commas: ${SECTION_NAMES.join(' ')}
  --clients LIST     clients at once, separated by commas (1,16); try 64 on more cores
  --deltas N         pieces of the model's answer (10)
  --entry FILE       an existing build of the server, such as dist/main.js
  --other FILE       another build of the server, measured in the same rounds
  --json FILE        also writes all figures to this file
  --profile FOLDER   writes CPU profiles of the server to this folder
  --help             this text

A whole run, with none of these but --json, writes the figures into bench/README.md and bench/figures.svg.
`;

/** A wrong command line; the message is for the user. */
export class UsageError extends Error {}

/** @returns null when help was asked for. @throws UsageError */
export function readOptions(args: readonly string[]): BenchOptions | null {
  const values = parse(args);
  if (values.help === true) return null;
  const isQuick = values.quick === true;
  const changing = ['quick', 'rounds', 'seconds', 'only', 'clients', 'deltas', 'entry', 'other', 'profile'];
  return {
    sections: values.only === undefined ? SECTION_NAMES : list(values.only).map(sectionName),
    isWhole: !changing.some((name) => name in values),
    isQuick,
    rounds: values.rounds === undefined ? (isQuick ? 2 : 5) : positive('--rounds', values.rounds, true),
    seconds: values.seconds === undefined ? (isQuick ? 0.4 : 2) : positive('--seconds', values.seconds),
    clients: list(values.clients ?? '1,16').map((text) => positive('--clients', text, true)),
    deltas: positive('--deltas', values.deltas ?? '10', true),
    entry: values.entry ?? null,
    otherEntry: values.other ?? null,
    jsonFile: values.json ?? null,
    profileFolder: values.profile ?? null,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ quick: flag, help: flag, rounds: text, seconds: text, only: text, clients: text },
        ...{ deltas: text, entry: text, other: text, json: text, profile: text },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function list(text: string): string[] {
  return text.split(',').filter((part) => part !== '');
}

function sectionName(text: string): SectionName {
  const found = SECTION_NAMES.find((name) => name === text);
  if (found === undefined) {
    throw new UsageError(`--only: expected some of ${SECTION_NAMES.join(', ')}, found ${text}`);
  }
  return found;
}

function positive(name: string, text: string, isWhole = false): number {
  const value = Number(text);
  if (!(value > 0) || (isWhole && !Number.isInteger(value))) {
    throw new UsageError(`${name}: expected a ${isWhole ? 'whole ' : ''}number above 0, found ${text}`);
  }
  return value;
}
