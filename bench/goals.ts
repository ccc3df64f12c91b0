import type { Spread } from './statistics.ts';

interface Goal {
  readonly what: string;
  readonly unit?: 'ms' | 'µs' | 'KB' | 'MB';
  /** The bound that the median must keep; neither: only reported. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** What this project wants of the figures. Sections name the rows that they reach; ratios have no unit. */
export const GOALS = {
  'json.1': { what: 'JSON turns/s, of the passthrough, 1 client', atLeast: 0.75 },
  'json.16': { what: '… 16 clients', atLeast: 1 },
  'json.64': { what: '… 64 clients', atLeast: 1 },
  'sse.1': { what: 'SSE turns/s of 20 tokens, of the passthrough, 1 client', atLeast: 0.9 },
  'sse.16': { what: '… 16 clients', atLeast: 1.2 },
  'sse.64': { what: '… 64 clients', atLeast: 1.2 },
  'token.passthrough': { what: 'CPU a live token, of the passthrough', atMost: 0.7 },
  'token.bare': { what: '… of the bare proxy', atMost: 1.4 },
  'gap.p99': { what: 'gaps between live tokens, p99, of the bare proxy', atMost: 1.3 },
  'viewer.memory.2000': { what: 'memory a viewer, 2,000 of them', unit: 'KB', atMost: 15 },
  'viewer.memory.10000': { what: '… 10,000 of them', unit: 'KB', atMost: 15 },
  'viewer.cpu.2000': { what: 'CPU an event for a viewer, 2,000 of them', unit: 'µs', atMost: 12 },
  'viewer.cpu.10000': { what: '… 10,000 of them', unit: 'µs', atMost: 12 },
  'memory.after': {
    what: 'memory two minutes after a minute of load, of idle, without history cache',
    atMost: 1.25,
  },
  'memory.idle': { what: 'memory of an idle replica', unit: 'MB', atMost: 140 },
  'redis.cpu': { what: 'Redis CPU a turn, JSON, 16 clients', unit: 'µs', atMost: 150 },
  'redis.inside': { what: 'commands inside scripts, a turn', atMost: 30 },
  'redis.trips': { what: 'awaited round trips to Redis, a turn', atMost: 3 },
  'latency.p50': { what: 'added latency over the bare proxy, 1 client, p50', unit: 'ms', atMost: 0.8 },
  'latency.p99': { what: '… p99', unit: 'ms', atMost: 5 },
  'first.p50': { what: 'added time to first token, 200 streams, p50', unit: 'ms', atMost: 3 },
  'first.p99': { what: '… p99', unit: 'ms', atMost: 10 },
  'hand-off.p50': { what: 'hand-off, 100 waiting, p50', unit: 'ms', atMost: 2 },
  'hand-off.p99': { what: '… p99', unit: 'ms', atMost: 10 },
  'hand-off.disorder': { what: '… turns out of order', atMost: 0 },
  'history.small': { what: 'turn on 10,000 messages, of one on 10, small window', atMost: 1.2 },
  'history.warm': { what: '… default window, less the larger request, warm', atMost: 1.5 },
  'history.cold': { what: '… cold', atMost: 2 },
  'sessions.page': { what: 'list page of 100 at 100,000 live sessions, of 1,000', atMost: 1.3 },
  'sessions.count': { what: 'count at 100,000, of 1,000', atMost: 1.3 },
  'sessions.step': { what: 'reconcile step at 100,000, of 1,000', atMost: 1.3 },
  'sessions.page-size': { what: 'list page of 100, of a page of 10', atMost: 2 },
  'sessions.command': { what: 'the Redis command that grows most, 100,000 sessions over 1,000', atMost: 3 },
  'peer.original.16': { what: "JSON turns/s, of the original's stack, 16 clients", atLeast: 12 },
  'peer.agentic.json.1': { what: 'JSON turns/s, of agentic-api, 1 client', atLeast: 1 },
  'peer.agentic.json.16': { what: '… 16 clients', atLeast: 1 },
  'peer.agentic.sse.1': { what: 'streams, of agentic-api, 1 client', atLeast: 1 },
  'peer.agentic.sse.16': { what: '… 16 clients', atLeast: 1.5 },
  'peer.portkey.json.16': { what: 'JSON turns/s, of Portkey, 16 clients', atLeast: 1 },
  'peer.portkey.sse.16': { what: 'streams, of Portkey, 16 clients', atLeast: 1.3 },
  'peer.restate.16': { what: 'JSON turns/s, of Restate, 16 clients, both on disk', atLeast: 3 },
  'peer.restate.64': { what: '… 64 clients', atLeast: 3 },
  'peer.langgraph.16': { what: "JSON turns/s, of LangGraph's JS dev server, 16 clients" },
  'replicas.json': { what: 'JSON turns/s of three replicas behind HAProxy, of one' },
  'replicas.sse': { what: 'SSE turns/s of three replicas behind HAProxy, of one' },
} as const satisfies Readonly<Record<string, Goal>>;

export type GoalName = keyof typeof GOALS;
export type Reached = Readonly<Partial<Record<GoalName, Spread>>>;

/** One row of the table of targets. */
export interface Outcome {
  readonly name: string;
  readonly what: string;
  readonly measured: Spread;
  readonly target: string;
  readonly is: 'met' | 'missed' | 'reported';
}

/** What was measured of the targets, in their order; those of sections that did not run are left out. */
export function outcomesOf(reached: Reached): readonly Outcome[] {
  const goals: Readonly<Record<string, Goal>> = GOALS;
  return Object.entries(goals).flatMap(([name, goal]) => {
    const measured = reached[name as GoalName];
    if (measured === undefined) return [];
    const { what, unit = '', atMost, atLeast } = goal;
    const isMet =
      (atMost === undefined || measured.median <= atMost) &&
      (atLeast === undefined || measured.median >= atLeast);
    const bound = atMost === undefined ? atLeast : atMost;
    const target = bound === undefined ? '' : `${atMost === undefined ? '≥' : '≤'} ${bound}`;
    const is = bound === undefined ? 'reported' : isMet ? 'met' : 'missed';
    return [{ name, what: unit === '' ? what : `${what}, ${unit}`, measured, target, is }];
  });
}
