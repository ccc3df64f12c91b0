import { askDatabase, type RedisServer, startRedis } from './redis.ts';

/** Databases of a Redis server by default. */
const DATABASES = 16;

/** Ports of the servers, one for each worker of a run; set by `startSharedRedis`. */
const PORTS = 'TEST_SHARED_REDIS_PORTS';

let taken = 0;

/** Starts a Redis for each worker of a run. @returns stops them */
export async function startSharedRedis(workers: number): Promise<() => Promise<void>> {
  const servers = await Promise.all(Array.from({ length: workers }, () => startRedis()));
  process.env[PORTS] = servers.map(({ port }) => port).join();
  return async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
}

/** The next database of this worker's server, flushed: files of a worker run one after the other. */
export async function takeSharedRedis(): Promise<RedisServer> {
  const ports = (process.env[PORTS] ?? '').split(',').map(Number);
  const port = ports[Number(process.env.VITEST_POOL_ID ?? 1) % ports.length];
  if (port === undefined || Number.isNaN(port)) throw new Error(`${PORTS} names no server`);
  const database = taken;
  taken += 1;
  if (database >= DATABASES) throw new Error(`a file may use at most ${DATABASES} stores`);
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}/${database}`,
    port,
    output: () => '',
    ask: (command, ...args) => askDatabase(port, database, command, args),
    stop: async () => {},
    get dir() {
      return needsOwn();
    },
    get pid() {
      return needsOwn();
    },
    kill: needsOwn,
    pause: needsOwn,
    resume: needsOwn,
    restart: needsOwn,
  };
  await server.ask('FLUSHDB');
  return server;
}

function needsOwn(): never {
  throw new Error('this Redis is shared; a test that needs its own belongs to another layer');
}
