import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../wait-for.ts';
import { type RedisPlace, type RedisServer, startRedis, startRedisProcess } from './redis.ts';

export interface RedisSentinel {
  /** As REDIS_SENTINEL_NAME takes it. */
  readonly name: string;
  /** The sentinels as `host:port,…`, as REDIS_SENTINELS takes it. */
  readonly addresses: string;
  /** The primary at the start; `primary()` is the current one. */
  readonly firstPrimary: RedisServer;
  readonly firstSecondary: RedisServer;
  readonly sentinels: readonly RedisServer[];
  /** The data server that the sentinels report as primary now. */
  primary(): Promise<RedisServer>;
  stop(): Promise<void>;
}

/**
 * Starts a primary, a secondary and three sentinels; ready after about two seconds.
 *
 * A failover takes about three seconds, more when the first election fails: give such a test 15 s. The old
 * primary, restarted, is made a secondary after about ten more.
 */
export async function startSentinel(): Promise<RedisSentinel> {
  const name = 'turnwise';
  const firstPrimary = await startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  const follow = ['--replicaof', '127.0.0.1', String(firstPrimary.port)];
  const firstSecondary = await startRedis({ args: ['--repl-diskless-sync-delay', '0', ...follow] });
  const dataServers = [firstPrimary, firstSecondary];
  const commandLine = (place: RedisPlace) => [configFile(place, name, firstPrimary.port), '--sentinel'];
  const sentinels = await Promise.all([1, 2, 3].map(() => startRedisProcess({ commandLine })));

  const seesAll = async (sentinel: RedisServer) =>
    /status=ok,.*slaves=1,sentinels=3/.test(String(await sentinel.ask('INFO', 'sentinel')));
  const isLinked = async () =>
    String(await firstSecondary.ask('INFO', 'replication')).includes('master_link_status:up');
  await waitFor(async () => (await Promise.all([isLinked(), ...sentinels.map(seesAll)])).every(Boolean), {
    timeoutMs: 15_000,
    what: 'three sentinels to see each other and the secondary',
  });
  return {
    name,
    addresses: sentinels.map((sentinel) => `127.0.0.1:${sentinel.port}`).join(','),
    firstPrimary,
    firstSecondary,
    sentinels,
    async primary() {
      const address = await sentinels[0]?.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name);
      const port = Number(Array.isArray(address) ? address[1] : undefined);
      const server = dataServers.find((candidate) => candidate.port === port);
      if (server === undefined) throw new Error(`the sentinels name an unknown primary: ${String(address)}`);
      return server;
    },
    async stop() {
      await Promise.all([...sentinels, ...dataServers].map((server) => server.stop()));
    },
  };
}

/** A sentinel writes its state into its file, so a restart must reuse the file. */
function configFile({ port, dir }: RedisPlace, name: string, primaryPort: number): string {
  const file = join(dir, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir "${dir}"`,
    `sentinel monitor ${name} 127.0.0.1 ${primaryPort} 2`,
    // A sentinel connects to a new primary at most once a second: at 500 ms it called each new one
    // down at once and failed over again, back to the old one, which had lost its data.
    `sentinel down-after-milliseconds ${name} 1500`,
    `sentinel failover-timeout ${name} 3000`,
  ];
  if (!existsSync(file)) writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
