import { type OperatorRoom, openOperatorRoom } from '../../src/redis/operator-room.ts';
import { type Bench, type SectionResult, withStops } from '../bench.ts';
import { TURNS_A_SESSION } from '../drive.ts';
import { commandTimes } from '../redis-times.ts';
import { beside, inTurn, type Measured } from '../rounds.ts';
import { emptyIndexes, seedSessions } from '../seed.ts';
import { type BenchRedis, type BenchReplica, startBenchRedis, startBenchReplica } from '../stack.ts';
import { median, shown, shownSpread } from '../statistics.ts';
import { takeTurn } from '../turn.ts';
import { warmUp } from '../warm-up.ts';

const [FEW, MANY] = [1000, 100_000];

/** Sessions looked at in a reconcile in each round: as many in both stores. */
const STEPS = 20;

/** Below this a command's time is that of a look into memory, which a cache answers or not. */
const LEAST_US = 2;

/** Neither Cluster nor Sentinels, no user, no TLS. */
const NOWHERE = {
  cluster: undefined,
  sentinels: undefined,
  sentinelName: undefined,
  username: undefined,
  password: undefined,
  sentinelUsername: undefined,
  sentinelPassword: undefined,
  authority: undefined,
};

/** A store with some live sessions, and a replica on it. */
interface Store {
  readonly name: string;
  readonly redis: BenchRedis;
  readonly replica: BenchReplica;
  readonly operator: OperatorRoom;
}

interface Found {
  readonly pageMs: number;
  readonly smallPageMs: number;
  readonly countMs: number;
  readonly turnMs: number;
  readonly stepMs: number;
  /** Of Redis' time, µs a call, by command. */
  readonly commandUs: Readonly<Record<string, number>>;
}

const NAMES = [FEW, MANY].map((count) => `${count.toLocaleString('en-US')} live`);
const [FEW_LIVE = '', MANY_LIVE = ''] = NAMES;

/** The cost of a list page, the count, a reconcile step and a turn as the number of live sessions grows. */
export async function sessions(bench: Bench): Promise<SectionResult> {
  return withStops(async (atEnd) => {
    await bench.model.follow({});
    const stores: Store[] = [];
    for (const [index, count] of [FEW, MANY].entries()) {
      bench.tell(`sessions, seeding ${count}`);
      stores.push(await startStore(bench, NAMES[index] ?? '', count, atEnd));
    }
    const calls = bench.options.isQuick ? 20 : 100;
    // One round that does not count: it compiles the code of both.
    for (const store of stores) await measure(store, calls, -1);
    const rounds = bench.options.isQuick ? 2 : 8;
    const plan = { what: 'sessions', rounds, targets: stores };
    return resultOf(await inTurn(bench, plan, (store, round) => measure(store, calls, round)));
  });
}

async function startStore(
  bench: Bench,
  name: string,
  count: number,
  atEnd: (stop: () => Promise<void>) => void,
): Promise<Store> {
  const redis = await startBenchRedis();
  atEnd(redis.stop);
  const replica = await startBenchReplica({
    entry: bench.entry,
    redisUrl: redis.server.url,
    modelUrl: bench.model.baseUrl,
    // Reconciles only when it is asked to.
    env: { WORKER: 'off' },
  });
  atEnd(replica.stop);
  await warmUp(replica, bench.options.isQuick ? 100 : 1000);
  await emptyIndexes(redis.client);
  await seedSessions(
    redis.client,
    Array.from({ length: count }, (_, index) => `seed-${index}`),
    2,
  );
  const operator = await openOperatorRoom({
    place: { ...NOWHERE, url: redis.server.url },
    keyPrefix: 'turnwise',
    sessionTtlMs: 1_800_000,
    leaseMs: 10_000,
  });
  atEnd(async () => operator.close());
  return { name, redis, replica, operator };
}

async function measure(store: Store, calls: number, round: number): Promise<Found> {
  const { replica, redis, operator } = store;
  const times = async (path: string) => {
    const took: number[] = [];
    for (let call = 0; call < calls; call += 1) {
      const beganAt = performance.now();
      await replica.caller.call('GET', path, null);
      took.push(performance.now() - beganAt);
    }
    return median(took);
  };
  const [found, commandUs] = await commandTimes(redis.client, async () => ({
    pageMs: await times('/api/sessions?limit=100'),
    smallPageMs: await times('/api/sessions?limit=10'),
    countMs: await times('/health'),
    stepMs: await reconcileStepMs(operator),
  }));
  const turnMs: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    const conversation = `turn-${round}-${Math.floor(call / TURNS_A_SESSION)}`;
    turnMs.push((await takeTurn(replica.caller, 'json', conversation, `question ${call}`)).ms);
  }
  for (let id = 0; id * TURNS_A_SESSION < calls; id += 1)
    await replica.caller.call('DELETE', `/api/sessions/turn-${round}-${id}`, null);
  return { ...found, turnMs: median(turnMs), commandUs };
}

/** The first steps of a walk through the sessions, which writes nothing. @returns the median of those with sessions */
async function reconcileStepMs({ store }: OperatorRoom): Promise<number> {
  const took: number[] = [];
  let beganAt = performance.now();
  for await (const { scanned } of store.walk('sessions', true)) {
    if (scanned === 50) took.push(performance.now() - beganAt);
    if (took.length === STEPS) break;
    beganAt = performance.now();
  }
  return median(took);
}

function resultOf(measured: readonly Measured<Found>[]): SectionResult {
  const figures = [
    ['list page of 100', 'pageMs'],
    ['list page of 10', 'smallPageMs'],
    ['health, with the count', 'countMs'],
    ['reconcile step of 50', 'stepMs'],
    ['turn', 'turnMs'],
  ] as const;
  const roundsOf = (name: string) => measured.find((one) => one.name === name)?.rounds ?? [];
  const grown = (figure: (typeof figures)[number][1]) =>
    beside(measured, MANY_LIVE, FEW_LIVE, (own, other) => own[figure] / other[figure]);
  const commands = Object.keys(roundsOf(MANY_LIVE)[0]?.commandUs ?? {});
  const commandUs = (name: string, command: string) =>
    median(roundsOf(name).map((round) => round.commandUs[command] ?? Number.NaN));
  const commandGrown = (command: string) =>
    beside(
      measured,
      MANY_LIVE,
      FEW_LIVE,
      (own, other) => (own.commandUs[command] ?? Number.NaN) / (other.commandUs[command] ?? Number.NaN),
    );
  const most = commands
    .filter((command) => commandUs(MANY_LIVE, command) >= LEAST_US)
    .map(commandGrown)
    .filter(({ median: middle }) => Number.isFinite(middle))
    .toSorted((a, b) => b.median - a.median)[0];
  return {
    tables: [
      {
        title: 'Live sessions: one client, p50 ms',
        head: ['', ...NAMES, 'many over few, least – median – most'],
        rows: figures.map(([says, figure]) => [
          says,
          ...NAMES.map((name) => shown(median(roundsOf(name).map((round) => round[figure])))),
          shownSpread(grown(figure)),
        ]),
      },
      {
        title: 'Live sessions: time of a command inside Redis, µs',
        head: ['', ...NAMES, 'many over few, least – median – most'],
        rows: commands.map((command) => [
          command,
          ...NAMES.map((name) => shown(commandUs(name, command))),
          shownSpread(commandGrown(command)),
        ]),
        note: 'All commands of those calls but the turns. One that looks at each session would grow a hundred times.',
      },
    ],
    bars: [],
    data: measured,
    reached: {
      'sessions.page': grown('pageMs'),
      'sessions.count': grown('countMs'),
      'sessions.step': grown('stepMs'),
      'sessions.page-size': beside(measured, MANY_LIVE, MANY_LIVE, (own) => own.pageMs / own.smallPageMs),
      ...(most === undefined ? {} : { 'sessions.command': most }),
    },
  };
}
