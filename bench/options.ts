import { parseArgs } from 'node:util';

/** What a whole run measures, in this order; `peers` only when asked for. */
const SECTIONS = {
  json: 'turns/s and their times, JSON, beside passthrough and bare proxy',
  sse: 'the same, streamed, 20 tokens an answer',
  latency: 'time added at one client and a fixed rate',
  paced: '200 streams of 50 tokens/s: CPU a token, gaps, time to first token',
  'first-token': 'time to first token, nothing busy',
  viewers: 'memory and CPU of 2,000 and 10,000 readers of 500 running turns',
  memory: 'a replica idle, and two minutes after a minute of load',
  redis: 'commands and awaited round trips of a turn',
  log: 'what keeping every event adds',
  'hand-off': 'from one turn to the next that waits, and their order',
  takeover: 'kill -9 in the middle of an answer',
  history: 'a turn as the history grows to 10,000 messages',
  sessions: 'list page, count and reconcile step as sessions grow to 100,000',
  replicas: 'three replicas behind HAProxy over one',
  peers: 'other servers of conversations; installs them into bench/out/peers',
} as const;

export type SectionName = keyof typeof SECTIONS;
const SECTION_NAMES = Object.keys(SECTIONS) as readonly SectionName[];

export interface BenchOptions {
  readonly sections: readonly SectionName[];
  /** A full-length run: its figures are published. */
  readonly isWhole: boolean;
  readonly isQuick: boolean;
  readonly rounds: number;
  /** Length of one measured window, seconds. */
  readonly seconds: number;
  readonly clients: readonly number[];
  /** Pieces of one scripted answer; null: as many as the section wants. */
  readonly deltas: number | null;
  /** A built server; null: this source is built into a new folder. */
  readonly entry: string | null;
  /** Another built server, measured in the same rounds. */
  readonly otherEntry: string | null;
  readonly jsonFile: string | null;
  /** The folder for CPU profiles of the server. */
  readonly profileFolder: string | null;
}

export const HELP = `npm run bench -- [options]

  --quick            short windows, two rounds: about four minutes, to check that everything works
  --peers            also the section peers
  --rounds N         rounds in which all targets are measured in turn (5)
  --seconds S        length of one measured window (2)
  --only NAMES       only these sections, separated by commas
  --clients LIST     clients at once, separated by commas (1,16,64)
  --deltas N         pieces of the model's answer (10, and 20 in sse)
  --entry FILE       an existing build of the server, such as dist/main.js
  --other FILE       another build of the server, measured in the same rounds
  --json FILE        also writes all figures to this file
  --profile FOLDER   writes CPU profiles of the server to this folder
  --help             this text

Sections:
${SECTION_NAMES.map((name) => `  ${name.padEnd(18)} ${SECTIONS[name]}`).join('\n')}

A whole run, with none of these but --peers and --json, takes some 20 minutes (the peers ten more) and writes bench/results/ and the figures
in bench/README.md. Any other writes its figures to bench/out/figures.json.
`;

/** A wrong command line; the message is for the user. */
export class UsageError extends Error {}

/** @returns null when help was asked for. @throws UsageError */
export function readOptions(args: readonly string[]): BenchOptions | null {
  const values = parse(args);
  if (values.help === true) return null;
  const isQuick = values.quick === true;
  const changing = ['quick', 'rounds', 'seconds', 'only', 'clients', 'deltas', 'entry', 'other', 'profile'];
  const usual = SECTION_NAMES.filter((name) => name !== 'peers' || values.peers === true);
  return {
    sections: values.only === undefined ? usual : list(values.only).map(sectionName),
    isWhole: !changing.some((name) => name in values),
    isQuick,
    rounds: values.rounds === undefined ? (isQuick ? 2 : 5) : positive('--rounds', values.rounds, true),
    seconds: values.seconds === undefined ? (isQuick ? 0.4 : 2) : positive('--seconds', values.seconds),
    clients: list(values.clients ?? '1,16,64').map((text) => positive('--clients', text, true)),
    deltas: values.deltas === undefined ? null : positive('--deltas', values.deltas, true),
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
        ...{ quick: flag, peers: flag, help: flag, rounds: text, seconds: text, only: text, clients: text },
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
