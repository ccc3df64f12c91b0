import { type Bench, type SectionResult, withStops } from '../bench.ts';
import type { GoalName, Reached } from '../goals.ts';
import { agenticApi } from '../peers/agentic-api.ts';
import { langgraph } from '../peers/langgraph.ts';
import { original } from '../peers/original.ts';
import type { Peer } from '../peers/peer.ts';
import { portkey } from '../peers/portkey.ts';
import { restate } from '../peers/restate.ts';
import { residentBytes } from '../process-figures.ts';
import { type Cell, measureCells, warmUp } from '../rounds.ts';
import { shown, shownSpread } from '../statistics.ts';
import { SERVER, startServer, type Target } from '../target.ts';
import type { TurnKind } from '../turn.ts';
import { barsOf, dataOf, numbersOf, rateBeside, THROUGHPUT_HEAD } from './throughput.ts';

const PEERS: readonly Peer[] = [original, agenticApi, portkey, restate, langgraph];

/** The server as it is compared with those that answer only when a turn is on disk. */
const ON_DISK = ['--appendonly', 'yes', '--appendfsync', 'always'];

const MB = 1024 * 1024;

/** Which target a ratio belongs to, by peer, kind and number of clients. */
const GOAL_OF: Readonly<Record<string, GoalName>> = {
  [`${original.name} json 16`]: 'peer.original.16',
  [`${agenticApi.name} json 1`]: 'peer.agentic.json.1',
  [`${agenticApi.name} json 16`]: 'peer.agentic.json.16',
  [`${agenticApi.name} sse 1`]: 'peer.agentic.sse.1',
  [`${agenticApi.name} sse 16`]: 'peer.agentic.sse.16',
  [`${portkey.name} json 16`]: 'peer.portkey.json.16',
  [`${portkey.name} sse 16`]: 'peer.portkey.sse.16',
  [`${restate.name} json 16`]: 'peer.restate.16',
  [`${restate.name} json 64`]: 'peer.restate.64',
  [`${langgraph.name} json 16`]: 'peer.langgraph.16',
};

interface Found {
  readonly peer: Peer;
  readonly idleMb: number;
  readonly cells: readonly (readonly [TurnKind, Cell])[];
}

/** Turns per second beside servers that others have built, each pair in the same rounds. */
export async function peers(bench: Bench): Promise<SectionResult> {
  const found: Found[] = [];
  const missing: string[][] = [];
  for (const peer of PEERS) {
    bench.tell(`peers, ${peer.name}`);
    try {
      await peer.install();
      found.push(await withStops((atEnd) => measure(bench, peer, atEnd)));
    } catch (error) {
      const reason = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
      bench.tell(`peers, ${peer.name} is left out: ${error instanceof Error ? error.message : reason}`);
      missing.push([peer.name, reason.slice(0, 120)]);
    }
  }
  await bench.model.follow({});
  return resultOf(found, missing);
}

async function measure(bench: Bench, peer: Peer, atEnd: (stop: () => Promise<void>) => void): Promise<Found> {
  const server = await startServer(bench, SERVER, bench.entry, atEnd, peer.isOnDisk ? ON_DISK : []);
  const running = await peer.start(bench.model.baseUrl, atEnd);
  const idleMb = running.pids.reduce((sum, pid) => sum + residentBytes(pid), 0) / MB;
  const target: Target = { name: peer.name, turn: running.turn, cpu: async () => ({}) };
  const cells: (readonly [TurnKind, Cell])[] = [];
  const targets = [server, target];
  const rounds = Math.min(3, bench.options.rounds);
  for (const kind of peer.kinds) {
    await bench.model.follow({ deltas: bench.options.deltas ?? (kind === 'sse' ? 20 : 10) });
    await warmUp(bench, targets, kind, 16);
    const { clients } = bench.options;
    for (const cell of await measureCells(bench, targets, kind, clients, rounds)) cells.push([kind, cell]);
  }
  return { peer, idleMb, cells };
}

function resultOf(found: readonly Found[], missing: readonly string[][]): SectionResult {
  const all = found.flatMap(({ peer, cells }) => cells.map(([kind, cell]) => ({ peer, kind, cell })));
  const ratioOf = ({ peer, cell }: (typeof all)[number]) => rateBeside(cell.measured, SERVER, peer.name);
  const reached: Reached = Object.fromEntries(
    all.flatMap((one) => {
      const goal = GOAL_OF[`${one.peer.name} ${one.kind} ${one.cell.clients}`];
      return goal === undefined ? [] : [[goal, ratioOf(one)]];
    }),
  );
  return {
    tables: [
      {
        title: 'Peers: what they keep of a turn, and their memory',
        head: ['', 'idle MB', 'keeps'],
        rows: found.map(({ peer, idleMb }) => [peer.name, shown(idleMb), peer.stores]),
      },
      {
        title: 'Peers: turns/s of the server over theirs, per round',
        head: ['', 'least – median – most'],
        rows: all.map((one) => [
          `${one.peer.name}, ${one.kind}, ${one.cell.clients} at once`,
          shownSpread(ratioOf(one)),
        ]),
        note: 'Streams are the fair rows: for JSON several of them ask the model without a stream, and the server with one. Restate answers when a turn is on disk; the server beside it has a Redis that does (appendfsync always).',
      },
      {
        title: 'Peers: throughput and latency',
        head: THROUGHPUT_HEAD,
        rows: all.flatMap(({ peer, kind, cell }) =>
          cell.measured.map((one) => [
            `${one.name === SERVER ? `server beside ${peer.name}` : one.name}, ${kind}, ${cell.clients} at once`,
            ...numbersOf(one),
          ]),
        ),
      },
      ...(missing.length === 0 ? [] : [{ title: 'Peers: left out', head: ['', 'because'], rows: missing }]),
    ],
    bars: all
      .filter(({ cell }) => cell.clients === 16)
      .map(({ peer, kind, cell }) => barsOf(`${peer.name}, ${kind}, ${cell.clients} at once`, cell.measured)),
    data: {
      peers: found.map(({ peer: { name, stores }, idleMb, cells }) => ({
        ...{ name, stores, idleMb },
        cells: cells.map(([kind, cell]) => ({ kind, ...dataOf(cell) })),
      })),
      missing,
    },
    reached,
  };
}
