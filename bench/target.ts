import type { Bench } from './bench.ts';
import type { Caller } from './exchange.ts';
import { EVENT_MARKS, type Marks, MODEL_MARKS } from './live-stream.ts';
import { cpuSeconds, startBareProxy, startPassthrough } from './program.ts';
import { startBenchRedis, startBenchReplica } from './stack.ts';
import { askModel, bodyForModel, type TurnKind, type TurnTimes, takeTurn } from './turn.ts';

export const SERVER = 'server';
export const OTHER_BUILD = 'other build';
export const PASSTHROUGH = 'passthrough';
export const BARE_PROXY = 'bare proxy';
export const MODEL_ITSELF = 'model itself';

/** One of the targets that are measured side by side. */
export interface Target {
  readonly name: string;
  turn(kind: TurnKind, conversationId: string, message: string): Promise<TurnTimes>;
  /** Seconds of CPU so far, by process. */
  cpu(): Promise<Readonly<Record<string, number>>>;
}

/** A target whose streams can be read as bytes. */
export interface StreamTarget extends Target {
  readonly url: string;
  readonly path: string;
  readonly marks: Marks;
  bodyOf(conversationId: string, message: string): string;
}

/** The server, optionally another build, the passthrough and the bare proxy, all running at once. */
export async function startTargets(
  bench: Bench,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<readonly StreamTarget[]> {
  const { entry, model, options } = bench;
  const targets = [await startServer(bench, SERVER, entry, atEnd)];
  if (options.otherEntry !== null) {
    targets.push(await startServer(bench, OTHER_BUILD, options.otherEntry, atEnd));
  }
  for (const [name, start] of [
    [PASSTHROUGH, startPassthrough],
    [BARE_PROXY, startBareProxy],
  ] as const) {
    const program = await start(model.baseUrl);
    atEnd(program.stop);
    targets.push(ofCaller(name, program.url, program.caller));
  }
  return targets;
}

/** A replica with its own Redis. */
export async function startServer(
  bench: Bench,
  name: string,
  entry: string,
  atEnd: (stop: () => Promise<void>) => void,
  redisArgs: readonly string[] = [],
): Promise<StreamTarget> {
  const redis = await startBenchRedis(redisArgs);
  atEnd(redis.stop);
  const replica = await startBenchReplica({
    entry,
    redisUrl: redis.server.url,
    modelUrl: bench.model.baseUrl,
    profileFolder: name === SERVER ? bench.options.profileFolder : null,
  });
  atEnd(replica.stop);
  return {
    ...ofCaller(name, replica.url, replica.caller),
    cpu: async () => ({ own: await cpuSeconds(replica.caller), redis: await redis.cpuSeconds() }),
  };
}

function ofCaller(name: string, url: string, caller: Caller): StreamTarget {
  return {
    name,
    url,
    path: '/api/chat/stream',
    marks: EVENT_MARKS,
    bodyOf: (conversation_id, message) => JSON.stringify({ message, conversation_id }),
    turn: (kind, conversationId, message) => takeTurn(caller, kind, conversationId, message),
    cpu: async () => ({ own: await cpuSeconds(caller) }),
  };
}

/** No server in between: the baseline for what the others add. */
export function modelItself(bench: Bench): StreamTarget {
  const { caller, url } = bench.model;
  return {
    name: MODEL_ITSELF,
    url,
    path: '/v1/chat/completions',
    marks: MODEL_MARKS,
    bodyOf: (_conversationId, message) => bodyForModel(message),
    turn: (_kind, _conversationId, message) => askModel(caller, message),
    cpu: async () => ({ own: await cpuSeconds(caller) }),
  };
}
